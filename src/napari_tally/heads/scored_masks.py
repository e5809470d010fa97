"""Head of networks that return masks or boxes: how the scored objects become labels."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import Head

_LEAST = 0.01  # of scores


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
        (), description="Names of classes that are regions (stuff), not objects."
    )
    threshold: float = Field(0.25, gt=0, lt=1, description="Minimum score of an object")
    least_visible: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Minimum share of an object that is not covered by objects of higher scores",
    )

    @model_validator(mode="after")
    def _known_stuff(self) -> Self:
        unknown = [name for name in self.stuff if name not in self.classes]
        if unknown:
            raise ValueError(f"the stuff {unknown[0]!r} is none of the classes")
        return self

    @classmethod
    def of(cls, classes: tuple[str, ...], least_score: float, stuff: tuple[str, ...] = ()) -> Self:
        """Return the head for the classes and the minimum score of a reading."""
        threshold = min(max(least_score, _LEAST), 1 - _LEAST)
        return cls(classes=classes, stuff=stuff, threshold=threshold)

    @property
    def merges_views(self) -> bool:
        """There are no maps to merge."""
        return False
