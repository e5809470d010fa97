"""Follow a flow in subvoxel steps from where whole-voxel steps end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange  # after `jit`, which configures numba

_TRAVEL = 100  # maximum steps of an end
_PACE = 0.5  # voxels per step where the flow has length 1
_CHECK = 8  # steps between checks whether an end is at rest
_STILL = 0.25  # voxels: an end at rest has moved less between checks
_MAX_KNOT = 6  # voxels: longer cycles are long paths, not knots of noise


@inlined
def _is_knot(ahead: NDArray[np.int32], i: int) -> bool:
    """Return whether the path from a voxel leads back to it, or is just not finished."""
    j = i
    for _ in range(_MAX_KNOT):
        j = ahead[j]
        if j == i:
            return True
    return False


@inlined
def _along(
    flow: NDArray[np.float32], steps: NDArray[np.int64], at: NDArray[np.float32], k: int
) -> float:
    """Interpolate a component of the flow linearly between voxels."""
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
    """Move each end along the flow and write where it rests; `shape`: of the padded array."""
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
        for step in range(1, _TRAVEL + 1):
            for k in range(ndim):
                by[k] = _PACE * _along(flow, steps, at, k)
            for k in range(ndim):
                at[k] = min(max(at[k] + by[k], 0), shape[k] - 1)
            if step % _CHECK == 0:
                moved = np.abs(at - last[e]).max()
                last[e] = at
                if moved < _STILL:
                    break
