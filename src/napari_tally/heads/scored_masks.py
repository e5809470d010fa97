"""Head of networks that return masks or boxes: how the scored objects become labels."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from .base import Head


class Masks(Head):
    """Objects with scores, from masks or boxes that the network itself returns.

    There are no prediction maps: `mask_sets` reads the outputs, and resolves overlaps.
    """

    has_maps: ClassVar[bool] = False
    domain: ClassVar[str] = "Objects, which may overlap."
    tunable: ClassVar[tuple[str, ...]] = ("least_visible",)
    evidence_names: ClassVar[tuple[str, ...]] = ("score",)

    name: Literal["mask-set"] = "mask-set"
    classes: tuple[str, ...] = Field((), description="Names of the classes, in their order")
    stuff: tuple[str, ...] = Field(
        (), description="Names of classes that are regions, not objects: they get no labels"
    )
    threshold: float = Field(0.25, gt=0, lt=1, description="Minimum score of an object")
    least_visible: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Minimum share of an object that is not covered by objects of higher scores",
    )
