"""A new group of measurements is a declaration and a line: tables, commands and docs follow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import napari_tally
from napari_tally.core.errors import InputError
from napari_tally.features.declare.feature import Cost, Feature, Group, Per
from napari_tally.features.registry import GROUPS, chosen
from napari_tally.measurement.data_dictionary import meanings
from napari_tally.measurement.options import group_names, listed_groups

if TYPE_CHECKING:
    from types import ModuleType

    from napari_tally.features.declare.object_data import Objects

LABELS = np.array([[1, 1, 0, 2], [1, 1, 0, 2]], np.uint8)
COLUMNS = ["toy_length_um", "toy_glow_DAPI"]


def _toy(objects: Objects) -> dict[str, np.ndarray]:
    return {
        "toy_length": objects.moments.count * objects.size[-1],
        "toy_glow": objects.moments.mean * 2,
    }


TOY = Group(
    "toy",
    "Toy measurements",
    Cost.PASS,
    (
        Feature("toy_length", "Toy length", "Pixels in a row, end to end.", 1),
        Feature("toy_glow", "Toy glow", "Twice the mean intensity.", per=Per.CHANNEL),
    ),
    _toy,
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(GROUPS, TOY.name, TOY)
    yield


def reference() -> ModuleType:
    """Return the script that makes the page of all measurements."""
    path = Path(__file__).parents[2] / "docs" / "generate_measurements.py"
    spec = spec_from_file_location("measurements", path)
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_table_has_its_columns_with_unit_and_channel() -> None:
    image = napari_tally.Volume(LABELS * 10.0, "YX", (0.5, 0.5), "um", channel_names=("DAPI",))
    table = napari_tally.measure(LABELS, image, spacing="0.5um", groups=["toy"])
    assert table["toy_length_um"].tolist() == [2.0, 1.0]
    glow = [name for name in table if name.startswith("toy_glow")]
    assert table[glow[0]].tolist() == [20.0, 40.0]
    without = napari_tally.measure(LABELS, groups=["toy"])
    assert without["toy_length_px"].tolist() == [4, 2]
    assert not [name for name in without if name.startswith("toy_glow")]


def test_the_command_lists_it_and_measures_it(run: Any) -> None:
    napari_tally.write(napari_tally.Volume(LABELS, "YX", (0.5, 0.5), "um"), Path("a.tif"))
    assert "Toy measurements (at once)" in run("measure", "--list")[1]
    code, _, err = run("measure", "a.tif", "--set", "toy", "-o", "t.csv")
    assert code == 0, err
    assert pd.read_csv("t.csv")["toy_length_um"].tolist() == [2.0, 1.0]
    assert "Pixels in a row, end to end." in Path("t.json").read_text("utf-8")


def test_it_is_a_choice_of_every_front_end() -> None:
    assert "toy" in group_names(["all"])
    assert group_names(["toy"]) == ("size", "place", "toy")
    assert any(line.split()[0] == "toy" for line in listed_groups())


def test_its_columns_are_explained() -> None:
    length, glow = meanings(COLUMNS).values()
    assert length == {
        "title": "Toy length",
        "definition": "Pixels in a row, end to end.",
        "unit": "um",
        "group": "toy",
    }
    assert (glow["title"], glow["channel"]) == ("Toy glow", "DAPI")


def test_the_reference_describes_it() -> None:
    page = reference().page()
    assert "## Toy measurements" in page
    assert "| `toy_length_um` | **Toy length.** Pixels in a row, end to end. | 2D, 3D |" in page
    assert "`toy_glow_CHANNEL`" in page


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no group of measurements 'toi'\. Did you mean 'toy'\?"):
        chosen(["size", "toi"])
