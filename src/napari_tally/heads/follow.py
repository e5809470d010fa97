"""Follow a flow to where it ends, in passes that are linear in voxels, for 2D and 3D.

Every voxel points to the neighbour to which the flow leads; pointers are replaced by the pointers
of where they lead until nothing changes, which takes the logarithm of the longest way where steps
of one voxel take its length. The few ends then go on with the flow between voxels, as all voxels do
in Cellpose (Stringer et al., 2021, https://doi.org/10.1038/s41592-020-01018-x): an end that is only
a knot of rounded or noisy steps is washed away from its place, to the end of another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled, inlined
from .hills import numbered, root_of
from .neighbours import framed, steps_of, within

# isort: split
from numba import prange  # after `jit`, which tells numba what it may take

_ROUNDS = 12  # of doubling: ways of 4096 voxels; what is longer is joined with the ends
_FEW = 1e-3  # of the voxels may be on their way when doubling ends; they are joined, too
_TRAVEL = 100  # steps of an end
_PACE = 0.5  # voxels in a step of an end, where the flow has length 1
_SAMPLE = 50_000  # voxels in which noise is measured
_NOISES = 15.0  # voxels that ends may be apart for a noise of 1

_ONE_WAY = 0.4  # mean flow of voxels that flow in from one side
_WASHES = 4


def follow(flow: NDArray[np.float32], mask: NDArray[np.bool_], reach: float) -> NDArray[np.int32]:
    """Return the ids of objects whose voxels flow to one end.

    Parameters
    ----------
    flow : ndarray of float32, shape (ndim, *spatial)
        About unit vectors.
    mask : ndarray of bool, shape (*spatial)
        The voxels of objects.
    reach : float
        Voxels that the ends of one object may be apart in noisy maps; less where there is less noise.

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
    ends, number = _ends(end)
    last = np.empty((len(ends), len(flow)), np.float32)
    _travel(vectors, steps, np.array(inside.shape), ends, last)
    sums = _sums(vectors, end, number, len(ends))
    parent = _join(ends, number, ahead, end, last, steps, sums)
    _join_near(parent, sums, last, reach)
    for _ in range(_WASHES):
        if not _wash(parent, sums, number, end, last, steps, np.array(inside.shape), reach):
            break
    names = numbered(parent, 0)
    found = np.zeros(inside.size, np.int32)
    _name(end, number, names, found)
    return np.ascontiguousarray(within(found.reshape(inside.shape)))


def noise_of(flow: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return by how much the length of vectors differs from 1 (the median): 0 for ideal maps.

    Centres, which have no direction, do not count.
    """
    places = np.flatnonzero(mask)
    places = places[:: 1 + len(places) // _SAMPLE]
    length = np.sqrt((flow.reshape(len(flow), -1)[:, places] ** 2).sum(0))
    wrong = np.abs(length[length > 0] - 1)
    return float(np.median(wrong)) if len(wrong) else 0.0


@inlined
def step_of(flow: NDArray[np.float32], steps: NDArray[np.int64], i: int) -> int:
    """Return the step to the neighbour in the direction of the flow, 0 where there is none.

    The largest component is one voxel, the others are one voxel from half of it on.
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
    """Give every voxel the place of the neighbour to which it flows, -1 outside."""
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
    """Return the neighbour inside that lies most nearly in the direction of the flow, if any."""
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
    """Return where each voxel is after many steps."""
    now, then = ahead, np.empty_like(ahead)
    few = int(_FEW * ahead.size)
    for turn in range(_ROUNDS):
        changed = _double(now, then)
        now, then = then, (np.empty_like(ahead) if turn == 0 else now)
        if changed <= few:
            break
    return now


@compiled(parallel=True)
def _double(now: NDArray[np.int32], then: NDArray[np.int32]) -> int:
    changed = 0
    for i in prange(now.size):
        j = now[i]
        then[i] = now[j] if j >= 0 else -1
        changed += then[i] != j
    return changed


@compiled()
def _ends(end: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the places at which voxels end, and at these places their numbers (else -1)."""
    number = np.full(end.size, -1, np.int32)
    for i in range(end.size):
        if end[i] >= 0:
            number[end[i]] = 0
    ends = np.flatnonzero(number == 0)
    for k in range(ends.size):
        number[ends[k]] = k
    return ends, number


@inlined
def _along(
    flow: NDArray[np.float32], steps: NDArray[np.int64], at: NDArray[np.float32], k: int
) -> float:
    """Return a component of the flow between voxels (linear interpolation)."""
    ndim = flow.shape[0]
    total = np.float32(0)
    for corner in range(1 << ndim):
        place, weight = 0, np.float32(1)
        for a in range(ndim):
            low = int(np.floor(at[a]))
            part = at[a] - np.float32(low)
            if corner >> a & 1:
                low, part = low + 1, 1 - part
            weight *= 1 - part
            place -= low * steps[a]
        if weight > 0:
            total += weight * flow[k, place]
    return total


@compiled(parallel=True)
def _travel(
    flow: NDArray[np.float32],
    steps: NDArray[np.int64],
    shape: NDArray[np.int64],
    ends: NDArray[np.int64],
    last: NDArray[np.float32],
) -> None:
    """Let each end go on with the flow; write where it comes to rest."""
    ndim = flow.shape[0]
    for e in prange(ends.size):
        at = np.empty(ndim, np.float32)
        by = np.empty(ndim, np.float32)
        rest = ends[e]
        for k in range(ndim):
            at[k] = rest // -steps[k]
            rest %= -steps[k]
        for _ in range(_TRAVEL):
            moved = np.float32(0)
            for k in range(ndim):
                by[k] = _PACE * _along(flow, steps, at, k)
                moved += abs(by[k])
            if moved == 0:
                break
            for k in range(ndim):
                at[k] = min(max(at[k] + by[k], 0), shape[k] - 1)
        last[e] = at


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


def _join_near(
    parent: NDArray[np.int32], sums: NDArray[np.float64], last: NDArray[np.float32], reach: float
) -> None:
    """Join the ends that came to rest within reach of each other."""
    from scipy.spatial import cKDTree

    if reach > 0 and len(last):
        _join_pairs(parent, sums, cKDTree(last).query_pairs(reach, output_type="ndarray"))


@compiled()
def _join_pairs(
    parent: NDArray[np.int32], sums: NDArray[np.float64], pairs: NDArray[np.intp]
) -> None:
    for k in range(len(pairs)):
        _unite(parent, sums, pairs[k, 0], pairs[k, 1])


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


@compiled(parallel=True)
def _name(
    end: NDArray[np.int32],
    number: NDArray[np.int32],
    names: NDArray[np.int32],
    found: NDArray[np.int32],
) -> None:
    for i in prange(end.size):
        if end[i] >= 0:
            found[i] = names[number[end[i]]]
