"""A field is declared once; flags, forms and docs follow it."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from napari_tally.core.options import Offer, Options, option_fields


class Small(Options):
    name: Literal["small"] = "small"


class Large(Options):
    name: Literal["large"] = "large"
    by: float = 2.0


class Some(Options):
    share: float | None = Field(None, gt=0, lt=1, description="Share of the images.")
    steps: Annotated[int, Offer(aliases=("turns",), advanced=True)] = Field(5, ge=1)
    names: tuple[str, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    size: Small | Large = Small()
    head: Annotated[str | None, Offer(choices=lambda: ["flow", "center"])] = None
    channel: int | str | None = None
    seed: int = Field(ge=0, le=9)


FIELDS = {field.name: field for field in option_fields(Some)}


@pytest.mark.parametrize(
    ("name", "kind", "many", "choices", "limits"),
    [
        ("share", float, False, (), "above 0 and below 1"),
        ("steps", int, False, (), "at least 1"),
        ("names", str, True, (), ""),
        ("mode", str, False, ("fast", "slow"), ""),
        ("size", Options, False, ("small", "large"), ""),
        ("head", str, False, ("flow", "center"), ""),
        ("channel", str, False, (), ""),
        ("seed", int, False, (), "0 to 9"),
    ],
)
def test_type_choices_and_limits_are_those_of_the_field(name, kind, many, choices, limits) -> None:
    field = FIELDS[name]
    assert (field.type, field.many, field.choices, field.limits) == (kind, many, choices, limits)


def test_flag_label_and_default_follow_from_the_field() -> None:
    steps = FIELDS["steps"]
    assert (steps.flag, steps.label, steps.default) == ("--steps", "Steps", 5)
    assert steps.offer.advanced and steps.offer.aliases == ("turns",)
    assert FIELDS["share"].description == "Share of the images."
    assert FIELDS["seed"].required
