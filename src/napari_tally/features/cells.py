"""Cells of a label image: 2 × 2 × 2 neighbouring voxels, read in compiled loops.

A cell lies between four lines of voxels, two in a plane and two in the one before it, and between
two columns `x - 1` and `x` of them. What lies outside of the image is background, so that there is
one more cell along each axis than there are voxels. Corner k of a cell is `CORNERS[k]`, and a set
of corners is a number, its mask, of which bit k stands for corner k.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.jit import inlined

CORNERS = np.array(list(product((0, 1), repeat=3)))  # along (Z, Y, X)
MAX_TABLE_BYTES = 2**30

Line = NDArray[Any]
Lines = tuple[Line, Line, Line, Line]


def slab_count(rows: int, table_bytes: int, threads: int) -> int:
    """Return how many slabs, one a thread, rows are cut into; fewer if tables were huge."""
    return max(1, min(threads, rows, MAX_TABLE_BYTES // max(1, table_bytes)))


@inlined
def lines_of(labels: NDArray[Any], before: NDArray[Any], outside: Line, row: int) -> Lines:
    """Return the lines around a row of cells; rows are counted over all planes.

    Parameters
    ----------
    labels : ndarray, shape (Z, Y, X)
    before : ndarray, shape (Y, X)
        The plane before them.
    outside : ndarray, shape (X,)
        Background, to stand for the lines beside the image.
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
def uneven_cells(lines: Lines, differs: Line, found: NDArray[np.int64]) -> int:
    """Write the columns of the cells of more than one label to `found`; return how many.

    Neither loop branches: the processor takes many voxels at once, and most of an image, which is
    background or inside of objects, costs next to nothing.

    Parameters
    ----------
    lines : tuple of four ndarray, shape (X,)
    differs : ndarray of the labels' type, shape (X,)
        Room to work in.
    found : ndarray of int64, shape (X + 1,)
        Column x means the cell between the voxels x - 1 and x.
    """
    a, b, c, d = lines
    right_a, right_b, right_c, right_d = a[1:], b[1:], c[1:], d[1:]
    between = len(right_a)
    for x in range(between):
        v = a[x]
        left = (v ^ b[x]) | (v ^ c[x]) | (v ^ d[x])
        right = (v ^ right_a[x]) | (v ^ right_b[x]) | (v ^ right_c[x]) | (v ^ right_d[x])
        differs[x] = left | right
    n = 0
    found[n] = 0
    n += int((a[0] | b[0] | c[0] | d[0]) != 0)
    for x in range(between):
        found[n] = x + 1
        n += int(differs[x] != 0)
    found[n] = between + 1
    n += int((a[between] | b[between] | c[between] | d[between]) != 0)
    return n


@inlined
def read_cell(lines: Lines, x: int, cell: NDArray[Any]) -> None:
    """Write the labels at the eight corners of a cell to `cell`."""
    inside = x < len(lines[0])
    for i in range(4):
        line = lines[i]
        cell[2 * i] = line[x - 1] if x > 0 else 0
        cell[2 * i + 1] = line[x] if inside else 0


@inlined
def corners_of(cell: NDArray[Any], label: int) -> int:
    """Return the mask of the corners of one label."""
    mask = 0
    for k in range(8):
        mask |= int(cell[k] == label) << k
    return mask
