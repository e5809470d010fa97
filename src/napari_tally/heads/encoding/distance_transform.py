"""Distance transform for compiled loops, which cannot call the `edt` package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined

_INF = np.float32(np.inf)


@inlined
def squared_depths(ids: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the squared distance of each voxel of a stack to the nearest voxel of another id.

    It is 0 in the background, and infinite if the stack has no other id. Axis by axis (Saito &
    Toriwaki, 1994, https://doi.org/10.1016/0031-3203(94)90133-3): along a line the search goes
    outwards until no farther voxel can be nearer.
    """
    depths = np.zeros(ids.shape, np.float32)
    flat_ids, flat = ids.ravel(), depths.ravel()
    line = np.empty(max(ids.shape), np.float32)
    stride = 1
    for axis in range(2, -1, -1):
        count = ids.shape[axis]
        if count > 1 or axis == 2:
            for outer in range(0, ids.size, stride * count):
                for start in range(outer, outer + stride):
                    _along(flat_ids, flat, start, stride, count, line, axis == 2)
        stride *= count
    return depths


@inlined
def _along(
    ids: NDArray[np.int32],
    depths: NDArray[np.float32],
    start: int,
    stride: int,
    count: int,
    line: NDArray[np.float32],
    is_first: bool,
) -> None:
    """Include one more axis, for one line of voxels."""
    first = 0
    while first < count:
        i = ids[start + first * stride]
        end = first + 1
        while end < count and ids[start + end * stride] == i:
            end += 1
        if i > 0:
            before = np.float32(first - 1) if first > 0 else -_INF
            after = np.float32(end) if end < count else _INF
            for at in range(first, end):
                line[at] = depths[start + at * stride]
            for at in range(first, end):
                least = min(at - before, after - at) ** 2
                if not is_first:
                    least = _least(line, first, end, at, min(least, line[at]))
                depths[start + at * stride] = least
        first = end


@inlined
def _least(
    line: NDArray[np.float32], first: int, end: int, at: int, least: np.float32
) -> np.float32:
    """Return the minimum over a run of squared depth plus squared distance from one voxel."""
    near = min(at - first, end - 1 - at)
    for away in range(1, near + 1):
        square = np.float32(away * away)
        if square >= least:
            return least
        least = min(least, min(line[at - away], line[at + away]) + square)
    for away in range(near + 1, at - first + 1):
        square = np.float32(away * away)
        if square >= least:
            return least
        least = min(least, line[at - away] + square)
    for away in range(near + 1, end - at):
        square = np.float32(away * away)
        if square >= least:
            return least
        least = min(least, line[at + away] + square)
    return least
