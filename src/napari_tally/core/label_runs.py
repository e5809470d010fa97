"""Runs of one label along the rows of an array, and which labels occur.

Runs are short (objects are a few voxels wide), so the branch predictor fails at each end of a run,
which costs more than everything else. That is why none of these loops branches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import compiled, inlined, threads

# isort: split
from numba import prange  # after `jit`, which configures numba


@inlined
def run_starts(line: NDArray[Any], differs: NDArray[Any], starts: NDArray[np.int64]) -> int:
    """Write the columns where runs of a row begin, then its length; return the number of runs.

    Parameters
    ----------
    line : ndarray of uint, shape (X,)
    differs : ndarray of the labels' dtype, shape (X,)
        Scratch space.
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
    """Return the ids above 0 that occur, sorted.

    Parameters
    ----------
    labels : ndarray of uint16 or uint32
    most : int
        The largest id.
    """
    occurs = np.zeros((threads(), most + 1), np.bool_)
    _mark(np.ascontiguousarray(labels).ravel(), occurs)
    ids = np.flatnonzero(occurs.any(axis=0)).astype(np.int64)
    return ids[ids > 0]


@compiled(parallel=True)
def _mark(labels: NDArray[Any], occurs: NDArray[np.bool_]) -> None:
    slabs, count = len(occurs), len(labels)
    for s in prange(slabs):
        _mark_part(labels[s * count // slabs : (s + 1) * count // slabs], occurs[s])


@inlined
def _mark_part(labels: NDArray[Any], occurs: NDArray[np.bool_]) -> None:
    for i in range(len(labels)):
        occurs[labels[i]] = True
