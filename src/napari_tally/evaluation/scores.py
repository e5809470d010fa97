"""The scores of one image, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.errors import sentence
from ..metrics.aji import Aggregated

if TYPE_CHECKING:
    import pandas as pd

    from ..metrics.class_metrics import Agreement
    from ..metrics.match import Matches, PanopticCounts
    from .load_pair import Pair

_NOTHING = Aggregated(0, 0)


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
