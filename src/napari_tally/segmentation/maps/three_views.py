"""Maps of a volume from a 2D model: those of all XY, XZ and YZ slices are merged to maps in 3D.

Each voxel is seen in three planes. Channels of scalars are averaged; the component of a vector
along an axis is averaged over the two views whose planes contain the axis. So the head decodes the
merged maps in 3D, and no objects have to be linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...network.tiling import Inference

_AT_ONCE = 2**22  # voxels whose maps of one view are in memory as float32
_SLAB = 1.0  # voxels: slices are smoothed with their neighbours against noise
_LEAST = 1e-3  # weight of the vectors of a view that sees background


def view_steps(
    volume: NDArray[np.float32], inference: Inference, vectors: tuple[int, ...]
) -> Steps[NDArray[np.float16]]:
    """Run a 2D network on the slices of a volume along each axis; yield after every few slices.

    Parameters
    ----------
    volume : ndarray, shape (C, Z, Y, X)
        Normalized, on a grid of cubes.
    inference : Inference
        Of the 2D network.
    vectors : tuple of int
        Channels of a vector along Z, Y and X, the last of the merged maps; () without one.

    Returns
    -------
    ndarray of float16, shape (channels, Z, Y, X)
        The maps of the head in 3D. Besides, no more than a slab is in memory.
    """
    from scipy.ndimage import gaussian_filter1d

    views = _Views(volume.shape[1:], vectors)
    for axis in range(3):
        seen = gaussian_filter1d(volume, _SLAB, axis + 1, mode="nearest")
        slices = np.moveaxis(seen, axis + 1, 1)
        count = max(1, _AT_ONCE // int(np.prod(slices.shape[2:])))
        for start in range(0, slices.shape[1], count):
            part = np.ascontiguousarray(slices[:, start : start + count])
            maps = yield from inference.slices_steps(part)
            views.add(axis, start, maps)
    return views.maps()


class _Views:
    """Merged maps of the slices that were added, and the weights of each voxel's vectors."""

    def __init__(self, shape: tuple[int, ...], vectors: tuple[int, ...]) -> None:
        self.shape = shape
        self.vectors, self.ndim = vectors, len(vectors)
        self.weights = np.zeros((self.ndim, *shape), np.float16)
        self.sums: NDArray[np.float16] | None = None

    def add(self, axis: int, start: int, maps: NDArray[np.float32]) -> None:
        """Add the maps of slices along `axis`, from slice `start` on, shape (C, slices, *plane)."""
        flat = self.vectors[0] if self.vectors else len(maps)
        if self.sums is None:
            self.sums = np.zeros((flat + self.ndim, *self.shape), np.float16)
        stop = start + maps.shape[1]
        sums = np.moveaxis(self.sums, axis + 1, 1)[:, start:stop]
        weights = np.moveaxis(self.weights, axis + 1, 1)[:, start:stop]
        sums[:flat] += maps[:flat] / 3
        seen = 1 - maps[0] + _LEAST
        along = [a for a in range(self.ndim) if a != axis]
        # Not strict: the spread of test-time augmentation has no meaning over views.
        for k, offset in zip(along, maps[flat:], strict=False):
            total = weights[k] + seen
            sums[flat + k] += (offset - sums[flat + k]) * seen / total
            weights[k] = total

    def maps(self) -> NDArray[np.float16]:
        """Return the maps of all views, shape (C, Z, Y, X)."""
        assert self.sums is not None
        return self.sums
