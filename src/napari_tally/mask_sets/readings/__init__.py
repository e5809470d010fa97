"""Readings: the meaning of a network's output arrays, one form per file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from .box_masks import BoxMasks
from .boxes import Boxes
from .class_maps import ClassMaps
from .foreground_boundary import ForegroundBoundary
from .prototypes import Prototypes
from .queries import Queries
from .query_maps import QueryMaps
from .reading import READINGS, Found, Outputs, Reading
from .stacked import Stacked

for _member in (
    ClassMaps, ForegroundBoundary, Queries, QueryMaps, Prototypes, BoxMasks, Boxes, Stacked,
):  # fmt: skip
    READINGS.register(_member)

__all__ = [
    "READINGS", "AnyReading", "BoxMasks", "Boxes", "ClassMaps", "ForegroundBoundary", "Found",
    "Outputs", "Prototypes", "Queries", "QueryMaps", "Reading", "Stacked",
]  # fmt: skip

AnyReading = Annotated[SerializeAsAny[Reading], BeforeValidator(READINGS.validate)]
