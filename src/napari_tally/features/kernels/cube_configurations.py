"""Count the local configurations of the border of each object, in one compiled pass.

An object occupies some corners of each cell of 2 × 2 × 2 voxels. The counts of the 256 possible
sets of corners determine the surface of the object for voxels of any size: see `border_weights`.
Mirrored and inverted sets have the same surface and are counted as one class. Counts are whole
numbers and add up over the blocks of an image.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined, threads
from .voxel_cubes import (
    ALL,
    CORNERS,
    corners_of,
    lines_of,
    marked,
    read_cell,
    read_row,
    room_for,
    slab_count,
)

# isort: split
from numba import prange  # after `jit`, which configures numba

_LOWEST = np.array([(mask & -mask).bit_length() - 1 for mask in range(256)])  # corner in each set


def corners(mask: int) -> NDArray[np.int64]:
    """Return the corners in a set, shape (n, 3)."""
    return CORNERS[[k for k in range(8) if mask >> k & 1]]


def _alike(mask: int) -> set[int]:
    """Return the sets that are the same up to mirrors along the axes and up to inversion."""
    sets = {
        sum(1 << (k ^ flip) for k in range(8) if mask >> k & 1)  # bits of k: axes
        for flip in range(8)
    }
    return sets | {ALL - s for s in sets}


def _classes() -> tuple[tuple[int, ...], NDArray[np.int64]]:
    first = [min(_alike(mask)) for mask in range(256)]
    masks = tuple(sorted(set(first) - {0}))
    return masks, np.array([masks.index(m) if m else -1 for m in first])


# One set for each class, and the class of each set: -1 for the empty and the full one.
MASKS, CLASS_OF = _classes()
CLASSES = len(MASKS)


def _euler(ndim: int) -> NDArray[np.int64]:
    """Return the contribution of each set to 8 times the Euler number.

    Of the vertices, edges, faces and voxels around the middle of a cell, those with a corner of the
    set belong to the object; an edge is shared by two vertices, a face by four, a voxel by eight.
    So voxels that share a vertex are connected. In 2D, both planes of a cell are the image.
    """
    out = np.zeros(256, np.int64)
    for sides in product((None, 0, 1), repeat=ndim):
        fixed = [(axis, s) for axis, s in enumerate(sides, start=3 - ndim) if s is not None]
        holds = np.all([CORNERS[:, axis] == s for axis, s in fixed] or [[True] * 8], axis=0)
        around = sum(1 << k for k in np.flatnonzero(holds))
        out += (np.arange(256) & around > 0) * (-1) ** len(fixed) * (8 >> len(fixed))
    return out


_EULER = {ndim: _euler(ndim) for ndim in (2, 3)}


def configuration_counts(
    block: NDArray[np.unsignedinteger[Any]],
    n_objects: int,
    before: NDArray[np.unsignedinteger[Any]] | None = None,
    last: bool = True,
) -> NDArray[np.int64]:
    """Count the configurations of the objects 1 to `n_objects` in an image, or in a block of it.

    Counts of blocks that follow each other along Z add up to those of the whole.

    Parameters
    ----------
    block : ndarray of uint16 or uint32, shape (Y, X) or (Z, Y, X)
    n_objects : int
        The largest id of the image.
    before : ndarray, shape (Y, X)
        The plane before a block of a stack. Default: background.
    last : bool
        Whether background, not another block, follows.

    Returns
    -------
    ndarray of int64, shape (n_objects, CLASSES + 1)
        The number of cells of each class; then 8 times the Euler number.
    """
    if not block.size or not n_objects:
        return np.zeros((n_objects, CLASSES + 1), np.int64)
    stack, plane, rows = rows_of_cells(block, before, last)
    slabs = slab_count(rows, (n_objects + 1) * (CLASSES + 1) * 8, threads())
    counts = np.zeros((slabs, n_objects + 1, CLASSES + 1), np.int64)
    _count_slabs(stack, plane, rows, CLASS_OF, _EULER[block.ndim], counts)
    for more in counts[1:]:
        counts[0] += more  # in place
    return counts[0, 1:].copy()  # a view would keep the counts of all threads in memory


def rows_of_cells(
    block: NDArray[Any], before: NDArray[Any] | None, last: bool
) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Return a block as a stack, the plane before it, and the number of its rows of cells.

    A 2D image is a plane with its copy before it and none after it.
    """
    stack = np.ascontiguousarray(block)
    if stack.ndim == 2:
        return stack[None], stack, len(stack) + 1
    plane = np.zeros_like(stack[0]) if before is None else np.ascontiguousarray(before)
    return stack, plane, (len(stack) + last) * (stack.shape[1] + 1)


@compiled(parallel=True)
def _count_slabs(
    labels: NDArray[Any],
    before: NDArray[Any],
    rows: int,
    class_of: NDArray[np.int64],
    euler: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    slabs = len(counts)
    for s in prange(slabs):
        some = (s * rows // slabs, (s + 1) * rows // slabs)
        _count_rows(labels, before, some, class_of, euler, counts[s])


@inlined
def _count_rows(
    labels: NDArray[Any],
    before: NDArray[Any],
    rows: tuple[int, int],
    class_of: NDArray[np.int64],
    euler: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    outside = np.zeros(labels.shape[2], labels.dtype)
    room = room_for(labels)
    held, _, _, masks, several, uneven = room
    found = np.empty(len(uneven), np.int64)
    cell = np.empty(8, labels.dtype)
    for row in range(rows[0], rows[1]):
        lines = lines_of(labels, before, outside, row)
        read_row(lines, room)
        for i in range(marked(uneven, found)):
            x = found[i]
            if several[x]:
                read_cell(lines, x, cell)
                _count_cell(cell, class_of, euler, counts)
            else:
                label, mask = held[x] | held[x + 1], masks[x]
                counts[label, class_of[mask]] += 1
                counts[label, CLASSES] += euler[mask]


@inlined
def _count_cell(
    cell: NDArray[Any],
    class_of: NDArray[np.int64],
    euler: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Add a cell to the counts of each label in it."""
    left = ALL ^ corners_of(cell, 0)
    while left != 0:
        label = cell[_LOWEST[left]]
        mask = corners_of(cell, label)
        left ^= mask
        counts[label, class_of[mask]] += 1
        counts[label, CLASSES] += euler[mask]
