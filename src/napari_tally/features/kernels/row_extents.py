"""First and last voxel of each object in each row of its box, which determine its hull."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange

MAX_ROWS = 2**22  # per table; a larger object gets its own table
EMPTY = -1  # last voxel of a row without voxels


@dataclass(frozen=True, slots=True)
class Rows:
    """First and last voxels of n consecutive objects.

    Attributes
    ----------
    objects : slice
        Their indices among all objects.
    low : ndarray of int64, shape (n, 3)
        Starts of the boxes along Z, Y and X.
    shape : ndarray of int64, shape (n, 3)
        Voxels of the boxes along Z, Y and X.
    starts : ndarray of int64, shape (n,)
        Where the rows of each object start in the table, plane by plane.
    ends : ndarray of int64, shape (rows, 2)
        First and last voxel of each row, relative to the box; the last is `EMPTY` if there is
        none.
    """

    objects: slice
    low: NDArray[np.int64]
    shape: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def rows_in_batches(
    stack: NDArray[np.unsignedinteger[Any]], low: NDArray[np.int64], high: NDArray[np.int64]
) -> Iterator[Rows]:
    """Yield the rows of all objects in order, in batches that bound the memory.

    Parameters
    ----------
    stack : ndarray of int, shape (Z, Y, X)
        Consecutive ids from 1.
    low, high : ndarray of int64, shape (n, 3)
        Starts and ends (exclusive) of the bounding boxes.
    """
    shape = high - low
    counts = shape[:, 0] * shape[:, 1]
    labels = np.ascontiguousarray(stack)
    for part in _batches(counts):
        starts = np.cumsum(counts[part]) - counts[part]
        ends = np.empty((counts[part].sum(), 2), np.int64)
        _find_ends(labels, part.start + 1, low[part], shape[part], starts, ends)
        yield Rows(part, low[part], shape[part], starts, ends)


def _batches(counts: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of objects with at most `MAX_ROWS` rows in total, or of one object."""
    total = np.cumsum(counts)
    start, before = 0, 0
    while start < len(counts):
        stop = max(start + 1, int(np.searchsorted(total, before + MAX_ROWS, side="right")))
        yield slice(start, stop)
        start, before = stop, int(total[stop - 1])


@compiled(parallel=True)
def _find_ends(
    labels: NDArray[Any],
    first_id: int,
    low: NDArray[np.int64],
    shape: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:
    for i in prange(len(low)):
        z, y, x = low[i]
        d, h, w = shape[i]
        box = labels[z : z + d, y : y + h, x : x + w]
        _find_in_box(box, first_id + i, ends[starts[i] : starts[i] + d * h])


@inlined
def _find_in_box(box: NDArray[Any], label: int, ends: NDArray[np.int64]) -> None:
    """Search each row from both sides."""
    depth, height, width = box.shape
    for row in range(depth * height):
        line = box[row // height, row % height]
        first, last = 0, width - 1
        while first < width and line[first] != label:
            first += 1
        while last >= first and line[last] != label:
            last -= 1
        ends[row, 0] = first
        ends[row, 1] = last if last >= first else EMPTY
