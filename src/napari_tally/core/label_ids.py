"""Ids counted and exchanged, in passes that are linear in voxels."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .jit import compiled

# isort: split
from numba import prange  # after `jit`, which tells numba what it may take

Id = TypeVar("Id", bound=np.integer)


def sizes(labels: NDArray[np.integer], most: int) -> NDArray[np.int64]:
    """Return how many voxels each of the ids from 0 to `most` has; none may be beyond."""
    count = np.zeros(most + 1, np.int64)
    _count(np.ascontiguousarray(labels).ravel(), count)
    return count


def renumbered(labels: NDArray[np.integer], new: NDArray[Id]) -> NDArray[Id]:
    """Return labels whose ids `i` are `new[i]`, in the type of `new`; none may be beyond."""
    out = np.empty(labels.shape, new.dtype)
    _exchange(np.ascontiguousarray(labels).ravel(), new, out.ravel())
    return out


def without(labels: NDArray[Id], dropped: NDArray[np.bool_]) -> NDArray[Id]:
    """Return labels in which the ids `i` with `dropped[i]` are background."""
    ids = np.arange(len(dropped), dtype=labels.dtype)
    return renumbered(labels, np.where(dropped, 0, ids))


@compiled()
def _count(labels: NDArray[np.integer], count: NDArray[np.int64]) -> None:
    for i in range(labels.size):
        count[labels[i]] += 1


@compiled(parallel=True)
def _exchange(
    labels: NDArray[np.integer], new: NDArray[np.integer], out: NDArray[np.integer]
) -> None:
    for i in prange(labels.size):
        out[i] = new[labels[i]]
