"""The ends of a flow: let them go on between voxels, and join those of one object.

In a flow of noisy steps a way may end at a place that is no centre but a knot. Three things tell a
knot: steps shorter than a voxel lead out of it; it lies beside another end; its voxels all come
from one side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .peaks import numbered, root_of
from .subvoxel_steps import travel

_ONE_WAY = 0.2  # mean flow of voxels that come from one side
_WASHES = 4  # knots in a row


def joined_ends(
    flow: NDArray[np.float32],
    shape: tuple[int, ...],
    steps: NDArray[np.int64],
    ahead: NDArray[np.int32],
    end: NDArray[np.int32],
    reach: float,
) -> NDArray[np.int32]:
    """Return at the place at which a voxel ends the number of its object, from 1.

    Parameters
    ----------
    flow : ndarray of float32, shape (ndim, voxels)
        Of a framed array of that shape, 0 outside of the mask.
    steps : ndarray of int
        From a voxel to its neighbours, see `neighbours.steps_of`.
    ahead, end : ndarray of int32, shape (voxels,)
        Where each voxel flows to, and where its way ends; -1 outside of the mask.
    reach : float
        Voxels that a knot may be away from where its voxels belong; 0 for a flow without noise.
    """
    number = np.full(end.size, -1, np.int32)
    ends = _ends(end, number)
    size = np.array(shape)
    last = np.empty((len(ends), len(flow)), np.float32)
    travel(flow, steps, size, ahead, ends, last)
    sums = _sums(flow, end, number, len(ends))
    parent = _join(ends, number, ahead, end, last, steps, sums)
    if reach > 0:
        _join_near(parent, sums, last, steps, size, reach)
        for _ in range(_WASHES):
            if not _wash(parent, sums, number, end, last, steps, size, reach):
                break
    number[ends] = numbered(parent, 0)
    return number


@compiled()
def _ends(end: NDArray[np.int32], number: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the places at which voxels end, and write their numbers there."""
    for i in range(end.size):
        if end[i] >= 0:
            number[end[i]] = 0
    ends = np.flatnonzero(number == 0)
    for k in range(ends.size):
        number[ends[k]] = k
    return ends


@compiled()
def _sums(
    flow: NDArray[np.float32], end: NDArray[np.int32], number: NDArray[np.int32], ends: int
) -> NDArray[np.float64]:
    """Return of each end how many voxels flow to it, and the sum of their flow."""
    ndim = flow.shape[0]
    sums = np.zeros((ends, 1 + ndim))
    for i in range(end.size):
        if end[i] >= 0:
            e = number[end[i]]
            sums[e, 0] += 1
            for k in range(ndim):
                sums[e, 1 + k] += flow[k, i]
    return sums


@inlined
def _unite(parent: NDArray[np.int32], sums: NDArray[np.float64], one: int, other: int) -> bool:
    """Make two sets one, named by the larger; tell whether they were two."""
    a, b = root_of(parent, one), root_of(parent, other)
    if a == b:
        return False
    if sums[a, 0] < sums[b, 0] or (sums[a, 0] == sums[b, 0] and b < a):
        a, b = b, a
    parent[b] = a
    sums[a] += sums[b]
    return True


@inlined
def _place(at: NDArray[np.float32], steps: NDArray[np.int64]) -> int:
    place = 0
    for k in range(at.size):
        place -= int(np.round(at[k])) * steps[k]
    return place


@compiled()
def _join(
    ends: NDArray[np.int64],
    number: NDArray[np.int32],
    ahead: NDArray[np.int32],
    end: NDArray[np.int32],
    last: NDArray[np.float32],
    steps: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> NDArray[np.int32]:
    """Return parents of ends: those are one of which one flows to the other.

    Knots of several voxels do so in circles.
    """
    parent = np.arange(len(ends)).astype(np.int32)
    for e in range(len(ends)):
        for place in (np.int64(ahead[ends[e]]), np.int64(_place(last[e], steps))):
            if end[place] >= 0:
                _unite(parent, sums, e, number[end[place]])
    return parent


@compiled()
def _join_near(
    parent: NDArray[np.int32],
    sums: NDArray[np.float64],
    last: NDArray[np.float32],
    steps: NDArray[np.int64],
    shape: NDArray[np.int64],
    reach: float,
) -> None:
    """Join the ends that came to rest within reach of each other."""
    n, ndim = last.shape
    resting = np.full(np.prod(shape), -1, np.int32)
    for e in range(n):
        place = _place(last[e], steps)
        if resting[place] < 0:
            resting[place] = e
        else:
            _unite(parent, sums, e, resting[place])
    wide = int(np.ceil(reach))
    across = 2 * wide + 1
    for e in range(n):
        for window in range(across**ndim):
            place, rest = 0, window
            for k in range(ndim):
                x = int(np.round(last[e, k])) + rest % across - wide
                rest //= across
                if x < 0 or x >= shape[k]:
                    place = -1
                    break
                place -= x * steps[k]
            if place < 0 or resting[place] <= e:
                continue
            apart = 0.0
            for k in range(ndim):
                apart += (last[e, k] - last[resting[place], k]) ** 2
            if apart <= reach * reach:
                _unite(parent, sums, e, resting[place])


@compiled()
def _wash(
    parent: NDArray[np.int32],
    sums: NDArray[np.float64],
    number: NDArray[np.int32],
    end: NDArray[np.int32],
    last: NDArray[np.float32],
    steps: NDArray[np.int64],
    shape: NDArray[np.int64],
    reach: float,
) -> bool:
    """Join each set whose flow goes one way with that which lies there; tell whether any was.

    To the centre of an object voxels flow from all sides, to a knot from where the ways of others
    come through it.
    """
    ndim = last.shape[1]
    at = np.empty(ndim, np.float32)
    joined = False
    for e in range(len(parent)):
        if parent[e] != e:
            continue
        way = sums[e, 1:] / sums[e, 0]
        length = np.sqrt((way**2).sum())
        if length < _ONE_WAY:
            continue
        for t in range(1, int(reach) + 1):
            for k in range(ndim):
                at[k] = min(max(last[e, k] + t * way[k] / length, 0), shape[k] - 1)
            to = end[_place(at, steps)]
            if to < 0:
                break
            if _unite(parent, sums, e, number[to]):
                joined = True
                break
    return joined
