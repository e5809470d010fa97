"""Options of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ..core.errors import InputError
from ..core.options import Offer, Options
from ..core.quantity import QuantityText, parse_quantity
from ..files.options import Resample
from ..files.tables.tables import TableFormat

Kind = Literal["instances", "classes", "panoptic"]

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


class EvaluateFilesOptions(Options):
    """Output options of an evaluation."""

    table: TableFormat = "csv"
    overwrite: bool = Field(False, description="Replace a report that exists.")


class EvaluateOptions(Options):
    """How predictions are scored."""

    kind: Kind = Field(
        "instances", description="What the label values are: object ids, class ids, or both."
    )
    iou: Annotated[tuple[float, ...], Offer(label="IoU thresholds")] = Field(
        THRESHOLDS,
        min_length=1,
        description="IoU thresholds at which objects match, such as 0.5,0.75. The first one "
        "applies to error types, precision, recall, F1 and panoptic quality.",
    )
    tolerance: Annotated[QuantityText, Offer(label="Surface tolerance")] = Field(
        None,
        description="Tolerance of the normalised surface distance, such as 1mm or 2px. Default: "
        "the longest side of a voxel.",
    )
    separate: Annotated[bool, Offer(advanced=True)] = Field(
        False,
        description="Split labels that are a binary mask into connected components (one object "
        "each).",
    )
    resample: Resample = False
    spacing: QuantityText = Field(
        None, description="Voxel size, such as 0.5,0.1,0.1um. Default: read from the files."
    )

    @field_validator("iou")
    @classmethod
    def _shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < v <= 1 for v in values) or len(set(values)) != len(values):
            listed = ", ".join(f"{v:g}" for v in values)
            raise InputError(
                f"IoU thresholds must be distinct numbers above 0 and at most 1, not {listed}"
            )
        return values

    def tolerance_in(self, unit: str, spacing: Sequence[float]) -> float:
        """Return the tolerance in the unit of the spacing."""
        if self.tolerance is None:
            return max(spacing)
        length = parse_quantity(self.tolerance)
        return length.values[0] * max(spacing) if length.unit == "px" else length.to(unit)[0]
