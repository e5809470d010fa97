"""Objects with what the maps say of each, carried over by id through whatever becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from ...objects.relabel import large_ones

if TYPE_CHECKING:
    import numpy as np

    from .network_grid import NetworkGrid


@dataclass(frozen=True, eq=False)
class Found:
    """The objects of a plane (or stack).

    Attributes
    ----------
    labels : ndarray of int
        Ids from 1 to the number of rows; one may have lost its last voxel.
    evidence : ndarray, shape (objects, features)
        Row i is of object i + 1: see `heads.base.Head.evidence`.
    """

    labels: NDArray[np.integer]
    evidence: NDArray[np.float64]

    def on(self, grid: NetworkGrid) -> Found:
        """Return the objects on the grid of the image."""
        return Found(grid.labels_back(self.labels), self.evidence)

    def large(self, min_voxels: int) -> Found:
        """Return the objects of so many voxels or more, with consecutive ids in the same order."""
        labels, ids = large_ones(self.labels, min_voxels)
        return Found(labels, self.evidence[ids - 1])
