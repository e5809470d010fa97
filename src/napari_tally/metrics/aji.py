"""The aggregated Jaccard index (AJI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .overlaps import Overlaps


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Summed intersections and unions, in voxels; those of several images add up."""

    shared: int
    union: int

    def __add__(self, other: Aggregated) -> Aggregated:
        return Aggregated(self.shared + other.shared, self.union + other.union)

    @property
    def aji(self) -> float:
        """The aggregated Jaccard index; 1 without any objects."""
        return self.shared / self.union if self.union else 1.0


def aggregated(overlap: Overlaps) -> Aggregated:
    """Return the sums for the aggregated Jaccard index.

    Kumar et al., 2017, https://doi.org/10.1109/TMI.2017.2677499: each ground-truth object is
    matched to the predicted one with the largest IoU (which may be matched several times);
    intersections and unions are summed, and the voxels of unmatched objects are added to the union.
    """
    order = np.lexsort((overlap.predicted, -overlap.iou, overlap.true))
    _, first = np.unique(overlap.true[order], return_index=True)
    best = order[first]
    predicted, shared = overlap.predicted[best], int(overlap.shared[best].sum())
    unmatched = np.ones(overlap.n_predicted + 1, bool)
    unmatched[0], unmatched[predicted] = False, False
    matched = int(overlap.predicted_sizes[predicted].sum())
    union = int(overlap.true_sizes[1:].sum()) + matched - shared
    return Aggregated(shared, union + int(overlap.predicted_sizes[unmatched].sum()))
