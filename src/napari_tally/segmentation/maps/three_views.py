"""Objects of a volume from a 2D model: its maps of all XY, XZ and YZ slices become maps in 3D.

Each voxel is seen in three planes. The classes and the distance to the border are averaged; the
offset to the centre along an axis is that of the two planes in which the axis lies. So one decoder,
that of the head in 3D, joins the votes of all three views, and no objects have to be linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...heads.center import DISTANCE

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...network.tiling import Inference

_AT_ONCE = 2**22  # voxels whose maps of one view are in memory as float32
_SLAB = 1.0  # voxels: each slice is seen with this much of its neighbours, so with less noise
_LEAST = 1e-3  # weight of the offsets of a view that sees background


def view_steps(
    volume: NDArray[np.float32], inference: Inference, offsets: bool
) -> Steps[NDArray[np.float16]]:
    """Lead a 2D network over the slices of a volume along each axis; yield after every few slices.

    Parameters
    ----------
    volume : ndarray, shape (C, Z, Y, X)
        Normalized, on a grid of cubes.
    inference : Inference
        Of the 2D network.
    offsets : bool
        Whether the channels are those of the `center` head; else all are averaged.

    Returns
    -------
    ndarray of float16, shape (channels, Z, Y, X)
        The maps as the head has them in 3D. Besides, no more than a slab's are in memory.
    """
    from scipy.ndimage import gaussian_filter1d

    views = _Views(volume.shape[1:], offsets)
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
    """The maps of the slices that were added, and how much each voxel's offsets count so far."""

    def __init__(self, shape: tuple[int, ...], offsets: bool) -> None:
        self.shape = shape
        self.ndim = 3 if offsets else 0  # of the offsets
        self.weights = np.zeros((self.ndim, *shape), np.float16)
        self.sums: NDArray[np.float16] | None = None

    def add(self, axis: int, start: int, maps: NDArray[np.float32]) -> None:
        """Add the maps of slices along `axis`, from slice `start` on, shape (C, slices, *plane)."""
        flat = DISTANCE + 1 if self.ndim else len(maps)
        if self.sums is None:
            self.sums = np.zeros((flat + self.ndim, *self.shape), np.float16)
        stop = start + maps.shape[1]
        sums = np.moveaxis(self.sums, axis + 1, 1)[:, start:stop]
        weights = np.moveaxis(self.weights, axis + 1, 1)[:, start:stop]
        sums[:flat] += maps[:flat] / 3
        seen = 1 - maps[0] + _LEAST
        along = [a for a in range(self.ndim) if a != axis]
        # Not strict: the spread between copies, where there are any, has no meaning over views.
        for k, offset in zip(along, maps[flat:], strict=False):
            total = weights[k] + seen
            sums[flat + k] += (offset - sums[flat + k]) * seen / total
            weights[k] = total

    def maps(self) -> NDArray[np.float16]:
        """Return the maps of all views, shape (C, Z, Y, X)."""
        assert self.sums is not None
        return self.sums
