"""Objects decoded from the maps of a plane, with the evidence for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from ...objects.relabel import large_objects

if TYPE_CHECKING:
    import numpy as np

    from .network_grid import NetworkGrid


@dataclass(frozen=True, eq=False)
class DecodedObjects:
    """The objects of a plane (or stack), and its classes where the model has any.

    Attributes
    ----------
    labels : ndarray of int
        Ids from 1 to the number of rows of `evidence`; an id may be without voxels.
    evidence : ndarray, shape (objects, features)
        Row i belongs to object i + 1: see `heads.base.Head.evidence`.
    classes : ndarray of int, optional
        Class ids, of the labels' shape.
    class_confidence : ndarray, shape (objects,), optional
        Share of each object's voxels that voted for its class.
    regions : ndarray of int, optional
        Classes of each voxel as bits, from a head whose classes overlap.
    cut : int
        Number of objects larger than a block of the maps, which may be cut.
    """

    labels: NDArray[np.integer]
    evidence: NDArray[np.float64]
    classes: NDArray[np.integer] | None = None
    class_confidence: NDArray[np.float64] | None = None
    regions: NDArray[np.integer] | None = None
    cut: int = 0

    def on(self, grid: NetworkGrid) -> DecodedObjects:
        """Return the objects on the grid of the image."""
        return replace(self, labels=grid.labels_back(self.labels))

    def large(self, min_voxels: int) -> DecodedObjects:
        """Return the objects of at least `min_voxels` voxels, with consecutive ids in order."""
        labels, ids = large_objects(self.labels, min_voxels)
        return replace(self, labels=labels, evidence=self.evidence[ids - 1])
