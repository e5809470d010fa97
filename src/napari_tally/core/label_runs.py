"""Runs of one label along the rows of an array, and which labels occur.

Runs are short (objects are a few voxels wide), so that a loop which asks at each voxel whether the
run ends guesses wrong at each end, which costs more than all the rest. None of these loops asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import compiled, inlined, threads

# isort: split
from numba import prange  # after `jit`, which tells numba what it may take


@inlined
def run_starts(line: NDArray[Any], differs: NDArray[Any], starts: NDArray[np.int64]) -> int:
    """Write the columns where runs of a row begin, and its length; return how many runs there are.

    Parameters
    ----------
    line : ndarray of uint, shape (X,)
    differs : ndarray of the labels' type, shape (X,)
        Room to work in.
    starts : ndarray of int64, shape (X + 1,)
    """
    width = len(line)
    left, right = line[:-1], line[1:]
    for x in range(width - 1):
        differs[x] = left[x] ^ right[x]
    starts[0] = 0
    n = int(width > 0)
    for x in range(width - 1):
        starts[n] = x + 1
        n += int(differs[x] != 0)
    starts[n] = width
    return n


def present(labels: NDArray[np.integer[Any]], most: int) -> NDArray[np.int64]:
    """Return the ids from 1 on that occur, in their order.

    Parameters
    ----------
    labels : ndarray of uint16 or uint32
    most : int
        The largest one.
    """
    seen = np.zeros((threads(), most + 1), np.bool_)
    _mark(np.ascontiguousarray(labels).ravel(), seen)
    found = np.flatnonzero(seen.any(axis=0)).astype(np.int64)
    return found[found > 0]


@compiled(parallel=True)
def _mark(labels: NDArray[Any], seen: NDArray[np.bool_]) -> None:
    slabs, count = len(seen), len(labels)
    for s in prange(slabs):
        _mark_part(labels[s * count // slabs : (s + 1) * count // slabs], seen[s])


@inlined
def _mark_part(labels: NDArray[Any], seen: NDArray[np.bool_]) -> None:
    for i in range(len(labels)):
        seen[labels[i]] = True
