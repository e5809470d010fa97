"""Follow a flow to where it ends, in passes that are linear in voxels, for 2D and 3D.

Every voxel points to the next voxel along the flow. Pointer doubling (each pointer is replaced by
that of its target) then finds the ends in a number of rounds that is the logarithm of the longest
path, not its length. Only the few ends continue at subvoxel steps, as all voxels do in Cellpose
(Stringer et al., 2021, https://doi.org/10.1038/s41592-020-01018-x).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .join_sinks import joined_ends
from .padded_neighbours import framed, steps_of, within

# isort: split
from numba import prange  # after `jit`, which configures numba

_ROUNDS = 12  # of doubling: paths of 4096 voxels; longer ones are merged by their ends
_FEW = 1e-3  # share of voxels that may be unfinished when doubling stops; they are merged, too
_AS_MANY = 0.95  # ratio to the round before; above it, the remaining voxels flow in cycles
_SAMPLE = 50_000  # voxels for measuring noise
_LONG = 1e3  # maximum component of a flow of unit vectors, in noise
_NOISES = 15.0  # voxels between ends for a noise of 1


def follow(flow: NDArray[np.float32], mask: NDArray[np.bool_], reach: float) -> NDArray[np.int32]:
    """Return the ids of objects, whose voxels flow to one end.

    Parameters
    ----------
    flow : ndarray of float32, shape (ndim, *spatial)
        About unit vectors.
    mask : ndarray of bool, shape (*spatial)
        The voxels of objects.
    reach : float
        Maximum distance in voxels between the ends of one object in noisy maps; it is reduced if
        the noise is low.

    Returns
    -------
    ndarray of int32, shape (*spatial)
        Consecutive ids, 0 outside the mask.
    """
    reach = min(_NOISES * noise_of(flow, mask), reach)
    inside = framed(mask, False)
    around = np.zeros((len(flow), *inside.shape), np.float32)
    np.multiply(flow, mask, out=around[(slice(None), *(slice(1, -1),) * mask.ndim)])
    vectors, steps = around.reshape(len(flow), -1), steps_of(inside.shape)
    ahead = np.empty(inside.size, np.int32)
    _point(vectors, inside.ravel(), steps, ahead)
    end = _doubled(ahead)
    number = joined_ends(vectors, inside.shape, steps, ahead, end, reach)
    found = np.empty(inside.size, np.int32)
    _write(end, number, found)
    return np.ascontiguousarray(within(found.reshape(inside.shape)))


def noise_of(flow: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return the median deviation of the length of vectors from 1: 0 for ideal maps.

    Centres, which have no direction, are ignored.
    """
    places = np.flatnonzero(mask)
    places = places[:: 1 + len(places) // _SAMPLE]
    vectors = np.clip(flow.reshape(len(flow), -1)[:, places], -_LONG, _LONG)
    length = np.sqrt((vectors**2).sum(0))
    wrong = np.abs(length[length > 0] - 1)
    return float(np.median(wrong)) if len(wrong) else 0.0


@inlined
def step_of(flow: NDArray[np.float32], steps: NDArray[np.int64], i: int) -> int:
    """Return the step to the neighbour in the direction of the flow, 0 if there is no flow.

    The step is one voxel along the largest component and along others of at least half its size.
    """
    ndim = flow.shape[0]
    large = np.float32(0)
    for k in range(ndim):
        large = max(large, abs(flow[k, i]))
    step = 0
    if large > 0:
        for k in range(ndim):
            if 2 * abs(flow[k, i]) >= large:
                step += -steps[k] if flow[k, i] > 0 else steps[k]
    return step


@compiled(parallel=True)
def _point(
    flow: NDArray[np.float32],
    inside: NDArray[np.bool_],
    steps: NDArray[np.int64],
    ahead: NDArray[np.int32],
) -> None:
    """Write the index of the neighbour to which each voxel flows, -1 outside."""
    for i in prange(inside.size):
        if not inside[i]:
            ahead[i] = -1
            continue
        j = i + step_of(flow, steps, i)
        ahead[i] = j if inside[j] else _beside(flow, inside, steps, i)


@inlined
def _beside(
    flow: NDArray[np.float32], inside: NDArray[np.bool_], steps: NDArray[np.int64], i: int
) -> int:
    """Return the neighbour inside the mask closest to the direction of the flow, if any."""
    best, most = i, np.float32(0)
    for step in steps:
        if not inside[i + step]:
            continue
        rest, square, along = step, 0, np.float32(0)
        for k in range(flow.shape[0]):
            one = int(np.round(rest / -steps[k]))
            rest += one * steps[k]
            square += one * one
            along += one * flow[k, i]
        along /= np.float32(square**0.5)
        if along > most:
            best, most = i + step, along
    return best


def _doubled(ahead: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the index that each voxel reaches after many steps."""
    now, then = ahead, np.empty_like(ahead)
    few, first, before = int(_FEW * ahead.size), 0, 0
    for round_ in range(_ROUNDS):
        changed = _double(now, then)
        now, then = then, (np.empty_like(ahead) if round_ == 0 else now)
        first = first or changed
        in_circles = changed > _AS_MANY * before and 2 * changed < first
        if changed <= few or in_circles:
            break
        before = changed
    return now


@compiled(parallel=True)
def _double(now: NDArray[np.int32], then: NDArray[np.int32]) -> int:
    changed = 0
    for i in prange(now.size):
        j = now[i]
        then[i] = now[j] if j >= 0 else -1
        changed += then[i] != j
    return changed


@compiled(parallel=True)
def _write(end: NDArray[np.int32], number: NDArray[np.int32], found: NDArray[np.int32]) -> None:
    """Write the number at the end of each voxel's path."""
    for i in prange(end.size):
        found[i] = number[end[i]] if end[i] >= 0 else 0
