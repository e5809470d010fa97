"""Go on with a flow from where steps of whole voxels end, in steps between voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange  # after `jit`, which configures numba

_TRAVEL = 100  # steps of an end
_PACE = 0.5  # voxels in a step of an end, where the flow has length 1
_LOOK = 8  # steps after which an end that ...
_STILL = 0.25  # ... is not as many voxels further is at rest
_ROUND = 6  # voxels in a knot at most: more are no sign of noise but of a long way


@inlined
def _is_knot(ahead: NDArray[np.int32], i: int) -> bool:
    """Tell whether the way from a voxel leads back to it, rather than not being at its end yet."""
    j = i
    for _ in range(_ROUND):
        j = ahead[j]
        if j == i:
            return True
    return False


@inlined
def _along(
    flow: NDArray[np.float32], steps: NDArray[np.int64], at: NDArray[np.float32], k: int
) -> float:
    """Return a component of the flow between voxels (linear interpolation)."""
    ndim = flow.shape[0]
    total = 0.0
    for corner in range(1 << ndim):
        place, weight = 0, 1.0
        for a in range(ndim):
            low = int(np.floor(at[a]))
            part = at[a] - low
            if corner >> a & 1:
                low, part = low + 1, 1 - part
            weight *= 1 - part
            place -= low * steps[a]
        if weight > 0:
            total += weight * flow[k, place]
    return total


@compiled(parallel=True)
def travel(
    flow: NDArray[np.float32],
    steps: NDArray[np.int64],
    shape: NDArray[np.int64],
    ahead: NDArray[np.int32],
    ends: NDArray[np.int64],
    last: NDArray[np.float32],
) -> None:
    """Let each end go on with the flow (`shape`: of the framed array); write where it rests."""
    ndim = flow.shape[0]
    for e in prange(ends.size):
        at = np.empty(ndim, np.float32)
        by = np.empty(ndim, np.float32)
        rest = ends[e]
        for k in range(ndim):
            at[k] = rest // -steps[k]
            rest %= -steps[k]
        last[e] = at
        if not _is_knot(ahead, ends[e]):
            continue
        for turn in range(1, _TRAVEL + 1):
            for k in range(ndim):
                by[k] = _PACE * _along(flow, steps, at, k)
            for k in range(ndim):
                at[k] = min(max(at[k] + by[k], 0), shape[k] - 1)
            if turn % _LOOK == 0:
                moved = np.abs(at - last[e]).max()
                last[e] = at
                if moved < _STILL:
                    break
