"""Merge objects of overlapping blocks, in passes linear in voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

# isort: split
from numba import prange  # after `jit`, which configures numba


def measure_overlap(
    found: NDArray[np.integer], image: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return size, centre and overlap of the objects of a block.

    Parameters
    ----------
    found : ndarray of int, shape (*spatial)
        Ids of the block.
    image : ndarray of int, shape (*spatial)
        The same part of the image, with the objects of earlier blocks.

    Returns
    -------
    size : ndarray of int64, shape (ids + 1,)
        Voxels of each id; 0 for the background.
    center : ndarray of float64, shape (ids + 1, ndim)
    covered : ndarray of int64, shape (ids + 1,)
        Voxels of each id that already belong to objects.
    """
    count = int(found.max(initial=0)) + 1
    size, covered = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sums = np.zeros((count, 3))
    _accumulate(_stacked(found), _stacked(image), size, sums, covered)
    return size, sums[:, -found.ndim :] / np.maximum(size, 1)[:, None], covered


def add(found: NDArray[np.integer], ids: NDArray[np.integer], image: NDArray[np.integer]) -> None:
    """Write the objects of a block into the background of the image.

    Parameters
    ----------
    ids : ndarray of int, shape (ids + 1,)
        The new id of each object; 0 leaves it out.
    """
    _add(_stacked(found), ids, _stacked(image))


def _stacked(array: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return a 2D or 3D array as a view with three axes."""
    return array if array.ndim == 3 else array[None]


@compiled()
def _accumulate(
    found: NDArray[np.integer],
    image: NDArray[np.integer],
    size: NDArray[np.int64],
    sums: NDArray[np.float64],
    covered: NDArray[np.int64],
) -> None:
    planes, rows, cols = found.shape
    for z in range(planes):
        for y in range(rows):
            for x in range(cols):
                label = found[z, y, x]
                if label > 0:
                    size[label] += 1
                    covered[label] += image[z, y, x] > 0
                    sums[label, 0] += z
                    sums[label, 1] += y
                    sums[label, 2] += x


@compiled(parallel=True)
def _add(found: NDArray[np.integer], ids: NDArray[np.integer], image: NDArray[np.integer]) -> None:
    planes, rows, cols = found.shape
    for z in prange(planes):
        for y in range(rows):
            for x in range(cols):
                new = ids[found[z, y, x]]
                if new > 0 and image[z, y, x] == 0:
                    image[z, y, x] = new
