"""Cells of a label image: 2 × 2 × 2 neighbouring voxels, read in compiled loops.

A cell is between four lines of voxels, two in a plane and two in the plane before it, and between
their columns `x - 1` and `x`. Outside the image is background, so there is one more cell along each
axis than there are voxels. Corner k of a cell is `CORNERS[k]`; a set of corners is a mask, in which
bit k stands for corner k.

A row of cells is read by vectorized loops without branches: first the columns between its four
lines, then the cells between two columns. So most of an image (background and the inside of
objects) costs almost nothing, and most other cells contain one object.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined

BITS = np.array([2, 1, 4])  # change in the number of a corner by a step along Z, Y and X
CORNERS = np.array(sorted(product((0, 1), repeat=3), key=BITS.dot))  # along (Z, Y, X)
MAX_TABLE_BYTES = 2**30

ALL = 255  # the mask of all corners

Line = NDArray[Any]
Lines = tuple[Line, Line, Line, Line]
Flags = NDArray[np.uint8]
Room = tuple[Line, Flags, Flags, Flags, Flags, Flags]


def slab_count(rows: int, table_bytes: int, threads: int) -> int:
    """Return the number of slabs of rows: one per thread, fewer if tables would be huge."""
    return max(1, min(threads, rows, MAX_TABLE_BYTES // max(1, table_bytes)))


@inlined
def lines_of(labels: NDArray[Any], before: NDArray[Any], outside: Line, row: int) -> Lines:
    """Return the lines around a row of cells; rows are counted over all planes.

    Parameters
    ----------
    labels : ndarray, shape (Z, Y, X)
    before : ndarray, shape (Y, X)
        The plane before the first one.
    outside : ndarray, shape (X,)
        Background, for lines outside the image.
    row : int
        `z * (Y + 1) + y` for the cells whose last corner is at (z, y), at most (Z, Y).
    """
    z, y = row // (labels.shape[1] + 1), row % (labels.shape[1] + 1)
    return (
        _line(labels, before, outside, z - 1, y - 1),
        _line(labels, before, outside, z - 1, y),
        _line(labels, before, outside, z, y - 1),
        _line(labels, before, outside, z, y),
    )


@inlined
def _line(labels: NDArray[Any], before: NDArray[Any], outside: Line, z: int, y: int) -> Any:
    if y < 0 or y == labels.shape[1] or z == len(labels):
        return outside
    if z < 0:
        return before[y]
    return labels[z, y]


@inlined
def room_for(labels: NDArray[Any]) -> Room:
    """Return the buffers of `read_row`, for rows of labels (Z, Y, X).

    Returns
    -------
    held : ndarray of the labels' dtype, shape (X + 2,)
        Bitwise or of the labels of each column; `held[x] | held[x + 1]` is the label of cell x if
        it has only one.
    corners, mixed : ndarray of uint8, shape (X + 2,)
        Mask of a column's foreground voxels, and whether they have several labels.
    masks, several : ndarray of uint8, shape (X + 1,)
        The same for each cell.
    uneven : ndarray of uint8, shape (X + 1,)
        Whether a cell has more than one label, including background.
    """
    width = labels.shape[2]
    held, corners = np.zeros(width + 2, labels.dtype), np.zeros(width + 2, np.uint8)
    mixed, masks = np.zeros(width + 2, np.uint8), np.empty(width + 1, np.uint8)
    several, uneven = np.empty(width + 1, np.uint8), np.empty(width + 1, np.uint8)
    return held, corners, mixed, masks, several, uneven


@inlined
def read_row(lines: Lines, room: Room) -> None:
    """Read the cells between four lines into the buffers of `room_for`.

    Cell x is between the voxels x - 1 and x.
    """
    held, corners, mixed, masks, several, uneven = room
    _read_columns(lines, held[1:-1], corners[1:-1], mixed[1:-1])
    left, right = held[:-1], held[1:]
    for x in range(len(masks)):
        masks[x] = corners[x] | corners[x + 1] << 4
    for x in range(len(several)):
        both = (left[x] != 0) & (right[x] != 0)
        several[x] = mixed[x] | mixed[x + 1] | (both & (left[x] != right[x]))
    for x in range(len(uneven)):
        uneven[x] = ((masks[x] != 0) & (masks[x] != ALL)) | several[x]


@inlined
def _read_columns(lines: Lines, held: Line, corners: Flags, mixed: Flags) -> None:
    a, b, c, d = lines
    for x in range(len(held)):
        held[x] = a[x] | b[x] | c[x] | d[x]
    for x in range(len(held)):
        low = np.uint8(a[x] != 0) | np.uint8(b[x] != 0) << 1
        corners[x] = low | np.uint8(c[x] != 0) << 2 | np.uint8(d[x] != 0) << 3
    for x in range(len(held)):
        v = held[x]
        before = ((a[x] != 0) & (a[x] != v)) | ((b[x] != 0) & (b[x] != v))
        mixed[x] = before | ((c[x] != 0) & (c[x] != v)) | ((d[x] != 0) & (d[x] != v))


@inlined
def marked(flags: Flags, found: NDArray[np.int64]) -> int:
    """Write the indices of set flags to `found`, of the same length; return their number."""
    n = 0
    for x in range(len(flags)):
        found[n] = x
        n += flags[x]
    return n


@inlined
def read_cell(lines: Lines, x: int, cell: NDArray[Any]) -> None:
    """Write the labels at the eight corners of a cell to `cell`."""
    inside = x < len(lines[0])
    for i in range(4):
        line = lines[i]
        cell[i] = line[x - 1] if x > 0 else 0
        cell[4 + i] = line[x] if inside else 0


@inlined
def corners_of(cell: NDArray[Any], label: int) -> int:
    """Return the mask of the corners of one label."""
    mask = 0
    for k in range(8):
        mask |= int(cell[k] == label) << k
    return mask
