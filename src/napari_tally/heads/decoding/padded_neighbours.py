"""Neighbours in an array padded by one voxel, so that compiled loops need no bounds checks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined


def framed_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of an array with its padding."""
    return tuple(n + 2 for n in shape)


def framed(array: NDArray[Any], fill: float) -> NDArray[Any]:
    """Return a copy padded with `fill` by one voxel at both ends of each axis."""
    out = np.full(framed_shape(array.shape), fill, array.dtype)
    within(out)[...] = array
    return out


def within(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of a padded array without its padding."""
    return array[(slice(1, -1),) * array.ndim]


def steps_of(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the offsets of the neighbours of a voxel in the flattened padded array.

    Neighbours that share a face come first, then those that share an edge or a corner.
    """
    strides = np.cumprod((1, *shape[:0:-1]))[::-1]
    around = sorted(product((-1, 0, 1), repeat=len(shape)), key=np.count_nonzero)[1:]
    return np.array(around) @ strides


@inlined
def faces_of(steps: NDArray[np.int64]) -> int:
    """Return the number of neighbours that share a face."""
    return 2 if len(steps) == 2 else 4 if len(steps) == 8 else 6
