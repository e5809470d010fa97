"""Count and replace ids, in passes that are linear in voxels."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .jit import compiled

# isort: split
from numba import prange  # after `jit`, which configures numba

Id = TypeVar("Id", bound=np.integer)


def sizes(labels: NDArray[np.integer], most: int) -> NDArray[np.int64]:
    """Return the number of voxels of each id from 0 to `most`, the largest that may occur."""
    count = np.zeros(most + 1, np.int64)
    _count(np.ascontiguousarray(labels).ravel(), count)
    return count


def renumbered(labels: NDArray[np.integer], new: NDArray[Id]) -> NDArray[Id]:
    """Replace each id `i` by `new[i]`, in the dtype of `new`, which must cover all ids."""
    out = np.empty(labels.shape, new.dtype)
    _replace(np.ascontiguousarray(labels).ravel(), new, out.ravel())
    return out


def without(labels: NDArray[Id], dropped: NDArray[np.bool_]) -> NDArray[Id]:
    """Return labels without the ids `i` for which `dropped[i]` is true."""
    ids = np.arange(len(dropped), dtype=labels.dtype)
    return renumbered(labels, np.where(dropped, 0, ids))


@compiled()
def _count(labels: NDArray[np.integer], count: NDArray[np.int64]) -> None:
    for i in range(labels.size):
        count[labels[i]] += 1


@compiled(parallel=True)
def _replace(
    labels: NDArray[np.integer], new: NDArray[np.integer], out: NDArray[np.integer]
) -> None:
    for i in prange(labels.size):
        out[i] = new[labels[i]]
