"""The border voxels of objects, in Morton order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange  # after `jit`, which configures numba


def border_voxels(
    labels: NDArray[np.unsignedinteger[Any]], n_objects: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the voxels of objects that share a face with a voxel of another label.

    They are sorted by object, and within an object in the order of Morton, 1966 (along a curve that
    fills cubes before it leaves them); objects are in the order of their first voxels.

    Parameters
    ----------
    labels : ndarray of uint16 or uint32, shape (Z, Y, X)
    n_objects : int
        The largest id.

    Returns
    -------
    places : ndarray of int32, shape (m, 3)
    owners : ndarray of int32, shape (m,)
        Their labels.
    """
    labels = np.ascontiguousarray(labels)
    counts = np.zeros(labels.shape[0] * labels.shape[1] + 1, np.int64)
    _count(labels, counts[1:])
    starts = np.cumsum(counts)
    places = np.empty((starts[-1], 3), np.int32)
    codes = np.empty(starts[-1], np.int64)
    _place(labels, starts, places, codes)
    owners = labels[tuple(places.T)].astype(np.int32)
    order = np.argsort(codes)
    order = order[np.argsort(_ranks(owners[order], n_objects)[owners[order]], kind="stable")]
    return places[order], owners[order]


def _ranks(owners: NDArray[np.int32], n_objects: int) -> NDArray[np.int64]:
    """Return the rank of each label by its first voxel, shape (n_objects + 1,)."""
    first = np.full(n_objects + 1, len(owners))
    np.minimum.at(first, owners, np.arange(len(owners)))
    return np.asarray(first)


@compiled(parallel=True)
def _count(labels: NDArray[Any], counts: NDArray[np.int64]) -> None:
    for row in prange(len(counts)):
        counts[row] = _find(labels, row, np.empty(labels.shape[2] + 1, np.int64))


@compiled(parallel=True)
def _place(
    labels: NDArray[Any],
    starts: NDArray[np.int64],
    places: NDArray[np.int32],
    codes: NDArray[np.int64],
) -> None:
    for row in prange(len(starts) - 1):
        _place_row(labels, row, starts[row], places, codes)


@inlined
def _place_row(
    labels: NDArray[Any],
    row: int,
    start: int,
    places: NDArray[np.int32],
    codes: NDArray[np.int64],
) -> None:
    z, y = row // labels.shape[1], row % labels.shape[1]
    found = np.empty(labels.shape[2] + 1, np.int64)
    for i in range(_find(labels, row, found)):
        place = places[start + i]
        place[0], place[1], place[2] = z, y, found[i]
        codes[start + i] = _spread(z) << 2 | _spread(y) << 1 | _spread(found[i])


@inlined
def _find(labels: NDArray[Any], row: int, found: NDArray[np.int64]) -> int:
    """Write the columns of a row's border voxels to `found`; return their number."""
    depth, height, width = labels.shape
    z, y = row // height, row % height
    line = labels[z, y]
    above, below = labels[z, max(y - 1, 0)], labels[z, min(y + 1, height - 1)]
    front, back = labels[max(z - 1, 0), y], labels[min(z + 1, depth - 1), y]
    n = 0
    for x in range(width):
        v = line[x]
        beside = (v ^ line[max(x - 1, 0)]) | (v ^ line[min(x + 1, width - 1)])
        differs = beside | (v ^ above[x]) | (v ^ below[x]) | (v ^ front[x]) | (v ^ back[x])
        found[n] = x
        n += int((v != 0) & (differs != 0))
    return n


@inlined
def _spread(n: int) -> int:
    """Insert two zeros between the bits of a number below 2**21."""
    n = (n | n << 32) & 0x1F00000000FFFF
    n = (n | n << 16) & 0x1F0000FF0000FF
    n = (n | n << 8) & 0x100F00F00F00F00F
    n = (n | n << 4) & 0x10C30C30C30C30C3
    return (n | n << 2) & 0x1249249249249249
