"""Predict maps in 3D with a 2D model: merge those of all XY, XZ and YZ slices.

Each voxel is in three slices. Scalar channels are averaged; the component of a vector along an axis
is averaged over the two views whose slices contain the axis. The head then decodes the merged maps
in 3D, without linking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...network.tiled_inference import Inference

_AT_ONCE = 2**22  # voxels of one view whose maps are in memory as float32 at a time
_SLAB = 1.0  # voxels: sigma of the smoothing across slices, against noise
_MIN_WEIGHT = 1e-3  # of the vectors of a view in the background


def view_steps(
    volume: NDArray[np.float32], inference: Inference, vectors: tuple[int, ...]
) -> Steps[NDArray[np.float16]]:
    """Run a 2D network on the slices of a volume along each axis; yield after every few slices.

    Parameters
    ----------
    volume : ndarray, shape (C, Z, Y, X)
        Normalized, with cubic voxels.
    inference : Inference
        Tiled inference of the 2D network.
    vectors : tuple of int
        Channels of a vector along Z, Y and X, the last of the merged maps; () for none.

    Returns
    -------
    ndarray of float16, shape (channels, Z, Y, X)
        The maps of the head in 3D. Apart from them, only a slab is in memory.
    """
    from scipy.ndimage import gaussian_filter1d

    views = _Views(volume.shape[1:], vectors)
    for axis in range(3):
        smooth = gaussian_filter1d(volume, _SLAB, axis + 1, mode="nearest")
        slices = np.moveaxis(smooth, axis + 1, 1)
        count = max(1, _AT_ONCE // int(np.prod(slices.shape[2:])))
        for start in range(0, slices.shape[1], count):
            part = np.ascontiguousarray(slices[:, start : start + count])
            maps = yield from inference.slices_steps(part)
            views.add(axis, start, maps)
    return views.maps()


class _Views:
    """Merges the maps of slices; keeps the weights of each voxel's vectors."""

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
        weight = 1 - maps[0] + _MIN_WEIGHT
        along = [a for a in range(self.ndim) if a != axis]
        # Not strict: the spread of test-time augmentation is meaningless across views.
        for k, offset in zip(along, maps[flat:], strict=False):
            total = weights[k] + weight
            sums[flat + k] += (offset - sums[flat + k]) * weight / total
            weights[k] = total

    def maps(self) -> NDArray[np.float16]:
        """Return the merged maps, shape (C, Z, Y, X)."""
        assert self.sums is not None
        return self.sums
