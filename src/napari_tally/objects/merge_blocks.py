"""Merge objects of overlapping blocks, in passes linear in voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

# isort: split
from numba import prange  # after `jit`, which configures numba


def seen(
    found: NDArray[np.integer], there: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return size, centre and overlap of the objects of a block.

    Parameters
    ----------
    found : ndarray of int, shape (*spatial)
        Ids of the block.
    there : ndarray of int, shape (*spatial)
        The same part of the image, with the objects of the blocks before.

    Returns
    -------
    size : ndarray of int64, shape (ids + 1,)
        Voxels of each id, 0 for that of the background.
    center : ndarray of float64, shape (ids + 1, ndim)
    covered : ndarray of int64, shape (ids + 1,)
        Voxels of each id that already belong to objects.
    """
    count = int(found.max(initial=0)) + 1
    size, covered = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sums = np.zeros((count, 3))
    _look(_stacked(found), _stacked(there), size, sums, covered)
    return size, sums[:, -found.ndim :] / np.maximum(size, 1)[:, None], covered


def add(found: NDArray[np.integer], ids: NDArray[np.integer], there: NDArray[np.integer]) -> None:
    """Write the objects of a block into the image, where there is none yet.

    Parameters
    ----------
    ids : ndarray of int, shape (ids + 1,)
        The new id of each object; 0 for those that are left out.
    """
    _add(_stacked(found), ids, _stacked(there))


def _stacked(array: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return a view on an image of two or three axes as one of three."""
    return array if array.ndim == 3 else array[None]


@compiled()
def _look(
    found: NDArray[np.integer],
    there: NDArray[np.integer],
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
                    covered[label] += there[z, y, x] > 0
                    sums[label, 0] += z
                    sums[label, 1] += y
                    sums[label, 2] += x


@compiled(parallel=True)
def _add(found: NDArray[np.integer], ids: NDArray[np.integer], there: NDArray[np.integer]) -> None:
    planes, rows, cols = found.shape
    for z in prange(planes):
        for y in range(rows):
            for x in range(cols):
                new = ids[found[z, y, x]]
                if new > 0 and there[z, y, x] == 0:
                    there[z, y, x] = new
