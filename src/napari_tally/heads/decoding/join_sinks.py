"""Merge the ends of a flow that belong to one object, after subvoxel steps.

In a noisy flow, a path of whole-voxel steps may end in a knot instead of a centre. A knot differs
from a centre in three ways: subvoxel steps lead out of it; it is next to another end; its voxels
all come from one side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .peaks import numbered, root_of
from .subvoxel_steps import travel

_ONE_SIDED = 0.2  # mean flow of voxels that come from one side
_MAX_KNOTS = 4  # in a row


def joined_ends(
    flow: NDArray[np.float32],
    shape: tuple[int, ...],
    steps: NDArray[np.int64],
    ahead: NDArray[np.int32],
    end: NDArray[np.int32],
    reach: float,
) -> NDArray[np.int32]:
    """Return the number of the object, from 1, at the index of each end.

    Parameters
    ----------
    flow : ndarray of float32, shape (ndim, voxels)
        Of a padded array of that shape, 0 outside the mask.
    steps : ndarray of int
        From a voxel to its neighbours, see `padded_neighbours.steps_of`.
    ahead, end : ndarray of int32, shape (voxels,)
        The next voxel and the last voxel on the path of each voxel; -1 outside the mask.
    reach : float
        Maximum distance of a knot from its object's end, in voxels; 0 for a flow without noise.
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
        for _ in range(_MAX_KNOTS):
            if not _merge_downstream(parent, sums, number, end, last, steps, size, reach):
                break
    number[ends] = numbered(parent, 0)
    return number


@compiled()
def _ends(end: NDArray[np.int32], number: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the indices at which paths end, and write their numbers there."""
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
    """Return the number of voxels that flow to each end, and the sum of their flow."""
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
    """Merge two sets under the root of the larger; return whether they were separate."""
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
    """Return the parents of ends, merged if one flows to the other.

    This also merges the voxels of a knot, which flow in a cycle.
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
    """Merge the ends that come to rest within reach of each other."""
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
def _merge_downstream(
    parent: NDArray[np.int32],
    sums: NDArray[np.float64],
    number: NDArray[np.int32],
    end: NDArray[np.int32],
    last: NDArray[np.float32],
    steps: NDArray[np.int64],
    shape: NDArray[np.int64],
    reach: float,
) -> bool:
    """Merge each set with a one-sided flow with the set downstream; return whether any was.

    Voxels flow to the centre of an object from all sides, but to a knot from one side.
    """
    ndim = last.shape[1]
    at = np.empty(ndim, np.float32)
    joined = False
    for e in range(len(parent)):
        if parent[e] != e:
            continue
        mean_flow = sums[e, 1:] / sums[e, 0]
        length = np.sqrt((mean_flow**2).sum())
        if length < _ONE_SIDED:
            continue
        for t in range(1, int(reach) + 1):
            for k in range(ndim):
                at[k] = min(max(last[e, k] + t * mean_flow[k] / length, 0), shape[k] - 1)
            to = end[_place(at, steps)]
            if to < 0:
                break
            if _unite(parent, sums, e, number[to]):
                joined = True
                break
    return joined
