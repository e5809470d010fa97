"""Copy maps into padded arrays and back, in parallel (see `padded_neighbours`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled
from .padded_neighbours import framed_shape

# isort: split
from numba import prange  # after `jit`, which configures numba


def row_starts(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return where each row of an array starts in the flattened padded array."""
    starts, stride = np.ones(1, np.int64), 1
    for after, n in zip(shape[:0:-1], shape[-2::-1], strict=True):
        stride *= after + 2
        starts = np.add.outer(np.arange(1, n + 1) * stride, starts).ravel()
    return starts


def framed_levels(
    height: NDArray[np.floating], mask: NDArray[np.bool_], levels: int, first: int = 0
) -> NDArray[np.uint16]:
    """Quantize heights to `levels` whole numbers from `first` on, padded; 0 outside the mask.

    Heights are clipped to 0..1.
    """
    out = np.zeros(framed_shape(mask.shape), np.uint16)
    rows = _rows(np.asarray(height, np.float32))
    _quantize(rows, _rows(mask), row_starts(mask.shape), levels - 1, first, out.ravel())
    return out


def framed_where(mask: NDArray[np.bool_], values: NDArray[Any], fill: int) -> NDArray[np.int32]:
    """Return the values inside a mask, padded; `fill` outside."""
    out = np.full(framed_shape(mask.shape), fill, np.int32)
    _copy(_rows(np.asarray(values, np.int32)), _rows(mask), row_starts(mask.shape), out.ravel())
    return out


def looked_up(table: NDArray[np.int32], framed: NDArray[np.int32]) -> NDArray[np.int32]:
    """Look up each number of a padded array in a table, without the padding."""
    out = np.empty([n - 2 for n in framed.shape], np.int32)
    _look_up(table, framed.ravel(), row_starts(out.shape), _rows(out))
    return out


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array).reshape(-1, array.shape[-1])


@compiled(parallel=True)
def _quantize(
    height: NDArray[np.float32],
    mask: NDArray[np.bool_],
    starts: NDArray[np.int64],
    top: int,
    first: int,
    out: NDArray[np.uint16],
) -> None:
    scale = np.float32(top)
    for row in prange(len(starts)):
        start = starts[row]
        for x in range(height.shape[1]):
            clipped = min(max(height[row, x], np.float32(0)), np.float32(1))
            level = first + np.int64(clipped * scale)
            out[start + x] = level if mask[row, x] else 0


@compiled(parallel=True)
def _copy(
    values: NDArray[np.int32],
    mask: NDArray[np.bool_],
    starts: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    for row in prange(len(starts)):
        for x in range(mask.shape[1]):
            if mask[row, x]:
                out[starts[row] + x] = values[row, x]


@compiled(parallel=True)
def _look_up(
    table: NDArray[np.int32],
    framed: NDArray[np.int32],
    starts: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    for row in prange(len(starts)):
        for x in range(out.shape[1]):
            out[row, x] = table[framed[starts[row] + x]]
