"""The sliders follow the parameters of any registered head."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from napari_tally.heads.base import Head
from napari_tally.widgets.segment.tune_panel import TunePanel


class Toy(Head):
    """A head with a parameter of its own."""

    tunable: ClassVar[tuple[str, ...]] = ("roundness",)
    name: Literal["toy"] = "toy"
    threshold: float = Field(0.5, gt=0, lt=1)
    roundness: float = Field(0.25, ge=0, lt=1, description="Minimum roundness")


def test_a_new_head_has_its_parameters_as_sliders(qtbot) -> None:
    panel = TunePanel()
    qtbot.addWidget(panel)
    panel.offer(Toy())
    assert {name: s.value for name, s in panel.sliders.items()} == {
        "threshold": 0.5,
        "roundness": 0.25,
    }
    panel.sliders["roundness"].value = 0.75
    assert panel.options(Toy())["tune"] == {"roundness": 0.75}
