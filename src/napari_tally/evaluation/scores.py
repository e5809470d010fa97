"""The scores of one image, or the error that prevented them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.errors import sentence
from ..core.escaped import escaped
from ..metrics.aji import Aggregated

if TYPE_CHECKING:
    import pandas as pd

    from ..metrics.class_metrics import Agreement
    from ..metrics.match import Matches, PanopticCounts
    from .load_pair import Pair

_NOTHING = Aggregated(0, 0)


@dataclass(frozen=True, eq=False)
class ClassScore:
    """The scores of one class in an image.

    Attributes
    ----------
    agreement : Agreement
        Agreement of its voxels.
    matches : list of Matches
        Matches of its objects at each IoU threshold; empty for semantic segmentation.
    segments : PanopticCounts, optional
        Panoptic counts: its objects, and the rest of the class as one segment.
    """

    agreement: Agreement
    matches: Sequence[Matches] = ()
    segments: PanopticCounts | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of one image.

    Attributes
    ----------
    pair : Pair
        Prediction and ground truth.
    spacing, unit : tuple of float, str
        Size of a voxel in the unit of tables.
    objects : pandas.DataFrame, optional
        Match outcome of each object (see `metrics.error_types.match_outcomes`), with the classes of
        the object and of its match if known.
    matches : list of Matches
        One per IoU threshold.
    classes : dict of int to ClassScore
        By class id.
    aggregated : Aggregated
        Sums for the aggregated Jaccard index.
    merges, splits : int
        Number of merges and splits (see `metrics.error_types`).
    notes : tuple of str
        Remarks on these scores.
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
        """Name of the image in tables."""
        return escaped(self.pair.name)


@dataclass(frozen=True)
class Problem:
    """An image that could not be compared, and why.

    Attributes
    ----------
    unforeseen : str
        The reason with the place of the traceback, of an error that its own words do not explain.
    """

    name: str
    error: Exception
    unforeseen: str = ""

    @property
    def message(self) -> str:
        """The reason in one sentence."""
        return self.unforeseen or sentence(self.error)
