"""A bounding volume hierarchy: a tree of boxes around the border voxels of objects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined

LEAF = 8  # voxels at most
_NOWHERE = 2**30


class Tree(NamedTuple):
    """Voxels in leaves, a box around each leaf, and boxes around two boxes each.

    Each leaf has voxels of one object only, and so have the boxes around it until one contains the
    whole object. It is a tuple because compiled loops accept no other kind of object.

    Attributes
    ----------
    places : ndarray of int32, shape (v, 3)
        Voxels, sorted by leaf.
    starts : ndarray of int64, shape (number of leaves + 1,)
        Where the voxels of each leaf start.
    boxes : ndarray of int32, shape (2m, 6)
        First and last voxel of a box along each axis. Box i contains 2i and 2i + 1; leaves start
        at m, and boxes after the last leaf are empty.
    owners : ndarray of int32, shape (2m, 2)
        Lowest and highest label in each box.
    """

    places: NDArray[np.int32]
    starts: NDArray[np.int64]
    boxes: NDArray[np.int32]
    owners: NDArray[np.int32]


def tree_of(places: NDArray[np.int32], owners: NDArray[np.int32]) -> Tree:
    """Build the tree, bottom up.

    Parameters
    ----------
    places : ndarray of int32, shape (v, 3)
        At least one voxel, sorted by object, with near voxels close together.
    owners : ndarray of int32, shape (v,)
        Their labels.
    """
    starts = _leaf_starts(owners)
    m = 1 << (len(starts) - 1).bit_length()
    boxes = np.full((2 * m, 6), _NOWHERE, np.int32)
    labels = np.full((2 * m, 2), _NOWHERE, np.int32)
    boxes[:, 3:], labels[:, 1] = -_NOWHERE, 0
    leaves = slice(m, m + len(starts))
    boxes[leaves, :3] = np.minimum.reduceat(places, starts)
    boxes[leaves, 3:] = np.maximum.reduceat(places, starts)
    labels[leaves] = owners[starts, None]
    while m > 1:
        below, m = slice(m, 2 * m), m // 2
        level = slice(m, 2 * m)
        _join(boxes[below], boxes[level], 3)
        _join(labels[below], labels[level], 1)
    return Tree(places, np.append(starts, len(places)), boxes, labels)


def _leaf_starts(owners: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return where leaves start: at each object's first voxel, and every 8 voxels from there."""
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    within = np.arange(len(owners)) - np.repeat(first, np.diff(np.append(first, len(owners))))
    return np.flatnonzero(within % LEAF == 0)


def _join(twos: NDArray[np.int32], ones: NDArray[np.int32], lows: int) -> None:
    """Fill one level from that below: minima in the first columns, maxima in the others."""
    np.minimum(twos[::2, :lows], twos[1::2, :lows], out=ones[:, :lows])
    np.maximum(twos[::2, lows:], twos[1::2, lows:], out=ones[:, lows:])


@inlined
def box_gap(a: NDArray[np.int32], b: NDArray[np.int32], size: NDArray[np.float64]) -> float:
    """Return the squared distance between two boxes of voxels; 0 if they touch."""
    gap = 0.0
    for axis in range(3):
        apart = max(b[axis] - a[axis + 3], a[axis] - b[axis + 3]) - 1
        if apart > 0:
            gap += (apart * size[axis]) ** 2
    return gap


@inlined
def voxel_gap(a: NDArray[np.int32], b: NDArray[np.int32], size: NDArray[np.float64]) -> float:
    """Return the squared distance between two voxels as boxes."""
    gap = 0.0
    for axis in range(3):
        apart = abs(b[axis] - a[axis]) - 1
        if apart > 0:
            gap += (apart * size[axis]) ** 2
    return gap
