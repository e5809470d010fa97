"""What is compared in an evaluation, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from ..core.errors import InputError
from ..core.options import Options
from ..core.quantity import parse_quantity

Kind = Literal["instances", "classes", "panoptic"]

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


class EvaluateOptions(Options):
    """What is compared, and how.

    Attributes
    ----------
    kind : {"instances", "classes", "panoptic"}
        Whether the numbers in the images are ids of objects, or of classes, or there are both.
    iou : tuple of float
        Thresholds from which on two objects are partners. The first decides what became of each
        object, and precision, recall, F1 and panoptic quality of an image.
    tolerance : str, optional
        How far apart surfaces may be for the normalised surface distance ("1mm", "2px"); the
        largest side of a voxel if not given.
    spacing : str, optional
        Size of a voxel ("0.5,0.1,0.1um"), where the files do not say it.
    """

    kind: Kind = "instances"
    iou: tuple[float, ...] = Field(THRESHOLDS, min_length=1)
    tolerance: str | None = None
    spacing: str | None = None

    @field_validator("iou")
    @classmethod
    def _shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < v <= 1 for v in values) or len(set(values)) != len(values):
            raise InputError("Different IoU above 0 and up to 1 are needed", f"{values}")
        return values

    @field_validator("tolerance", "spacing")
    @classmethod
    def _lengths(cls, text: str | None) -> str | None:
        if text is not None:
            parse_quantity(text)
        return text

    def tolerance_in(self, unit: str, spacing: Sequence[float]) -> float:
        """Return the tolerance in the unit of the spacing."""
        if self.tolerance is None:
            return max(spacing)
        told = parse_quantity(self.tolerance)
        return told.values[0] * max(spacing) if told.unit == "px" else told.to(unit)[0]
