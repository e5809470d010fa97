"""The aggregated Jaccard index (AJI) of all objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .overlaps import Overlaps


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Voxels of all intersections and of all unions; those of several images add up."""

    shared: int
    union: int

    def __add__(self, other: Aggregated) -> Aggregated:
        return Aggregated(self.shared + other.shared, self.union + other.union)

    @property
    def aji(self) -> float:
        """The aggregated Jaccard index; 1 if there are no objects in either image."""
        return self.shared / self.union if self.union else 1.0


def aggregated(found: Overlaps) -> Aggregated:
    """Return the sums of which the aggregated Jaccard index is the ratio.

    Kumar et al., 2017, https://doi.org/10.1109/TMI.2017.2677499: each ground-truth object is
    matched to the predicted one with the largest IoU (which may be matched several times);
    intersections and unions are summed, and the voxels of unmatched objects are added to the union.
    """
    order = np.lexsort((found.predicted, -found.iou, found.true))
    _, first = np.unique(found.true[order], return_index=True)
    best = order[first]
    predicted, shared = found.predicted[best], int(found.shared[best].sum())
    left = np.ones(found.n_predicted + 1, bool)
    left[0], left[predicted] = False, False
    taken = int(found.predicted_sizes[predicted].sum())
    union = int(found.true_sizes[1:].sum()) + taken - shared
    return Aggregated(shared, union + int(found.predicted_sizes[left].sum()))
