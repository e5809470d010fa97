"""What a comparison of predictions with their truth gives, and by which options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from ..core.errors import InputError, sentence
from ..core.options import Options
from ..core.quantity import parse_quantity
from ..metrics.aji import Aggregated
from .tables import (
    classes_table,
    images_table,
    in_words,
    objects_table,
    summary_of,
    thresholds_table,
)

if TYPE_CHECKING:
    import pandas as pd

    from ..metrics.class_metrics import Agreement
    from ..metrics.match import Matches, PanopticCounts
    from .load_pair import Pair

Kind = Literal["instances", "classes", "panoptic"]

_NOTHING = Aggregated(0, 0)

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


@dataclass(frozen=True, eq=False)
class ClassScore:
    """How well one class was found in an image.

    Attributes
    ----------
    agreement : Agreement
        Of all its voxels.
    matches : list of Matches
        Of its objects with each other, at each threshold; empty without objects.
    segments : PanopticCounts, optional
        Of the class alone: its objects, and what of it is no object as one segment.
    """

    agreement: Agreement
    matches: Sequence[Matches] = ()
    segments: PanopticCounts | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """The numbers of one image.

    Attributes
    ----------
    pair : Pair
        Where prediction and truth are.
    spacing, unit : tuple of float, str
        Size of a voxel in the unit of tables.
    objects : pandas.DataFrame, optional
        What became of each object: see `metrics.error_types.fates`; with the classes of object and
        partner where they have any.
    matches : list of Matches
        One for each threshold.
    classes : dict of int to ClassScore
        By class id.
    aggregated : Aggregated
        What the aggregated Jaccard index is made of.
    merges, splits : int
        Predicted objects that hold several true ones, and true ones that hold several predicted.
    notes : tuple of str
        What is to be known of these numbers.
    """

    pair: Pair
    spacing: tuple[float, ...]
    unit: str
    objects: pd.DataFrame | None = None
    matches: Sequence[Matches] = ()
    aggregated: Aggregated = _NOTHING
    merges: int = 0
    splits: int = 0
    classes: dict[int, ClassScore] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the image is called in tables."""
        return self.pair.name


@dataclass(frozen=True)
class Problem:
    """An image that could not be compared, and why."""

    name: str
    error: Exception

    @property
    def message(self) -> str:
        """The reason in one sentence."""
        return sentence(self.error)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A set of predictions compared with their truth.

    Attributes
    ----------
    name : str
        What the predictions are called.
    options : EvaluateOptions
        By which they were compared.
    scored : list of Scored
        The numbers of each image, from which the tables are made.
    problems : list of Problem
        The images that were left out.
    """

    name: str
    options: EvaluateOptions
    scored: list[Scored]
    problems: list[Problem]

    def __str__(self) -> str:
        return in_words(self)

    @cached_property
    def images(self) -> pd.DataFrame:
        """One row an image."""
        return images_table(self)

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row an image and class; empty for instances without classes."""
        return classes_table(self)

    @cached_property
    def objects(self) -> pd.DataFrame:
        """One row an object, true ones and predicted ones of all images; empty for classes."""
        return objects_table(self)

    @cached_property
    def thresholds(self) -> pd.DataFrame:
        """One row an IoU threshold (and class): of all objects together, and AP as mean of images.

        Empty for classes.
        """
        return thresholds_table(self)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What is said of all images together, by name."""
        return summary_of(self)
