"""Ids from floats, and counting and replacing ids in passes that are linear in voxels."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .jit import compiled

# isort: split
from numba import prange  # after `jit`, which configures numba

Id = TypeVar("Id", bound=np.integer)

# Distance from whole numbers of what is one in spite of rounding errors, and of what the scaling
# of a file bends: labels stored as uint8 from 0 to 25 with a slope come back with that error.
_ROUNDING = 1e-3
_BENT = 0.05


def nearest_ids(values: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], float] | None:
    """Return floats as ids, and how far they are from whole numbers; None if they are no ids.

    Up to a rounding error every value counts as whole. Farther ones only if each id has one value,
    as after the linear scaling of a file (NIfTI); a probability has many.
    """
    wide = values.astype(np.float32) if values.dtype.itemsize < 4 else values
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        ids = np.rint(wide)
        away = float(np.abs(wide - ids).max(initial=0))
    if not away <= _BENT or np.abs(ids).max(initial=0) >= 2.0**63:
        return None
    if away > _ROUNDING and not _one_value_each(wide):
        return None
    return ids.astype(np.int64), away


def _one_value_each(values: NDArray[np.floating[Any]]) -> bool:
    """Return whether values of one id do not differ by more than a rounding error."""
    distinct = np.unique(values)
    first = np.flatnonzero(np.diff(np.rint(distinct), prepend=-np.inf))
    last = np.append(first[1:], len(distinct)) - 1
    return bool((distinct[last] - distinct[first] <= _ROUNDING).all())


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
