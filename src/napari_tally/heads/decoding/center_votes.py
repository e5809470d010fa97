"""Merge voxels that vote for one centre, in passes that are linear in voxels, for 2D and 3D.

First every voxel climbs to its most certain neighbour with a similar vote. This gives hills, many
more than objects. Then touching hills are merged, highest pass first, if their mean votes agree:
the distance must be small relative to the radii of both and to the scatter of their votes. A
watershed must guess the depth of a saddle between two objects; here the votes of the voxels on both
sides decide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .padded_neighbours import framed_shape, steps_of
from .padding import framed_levels, looked_up, row_starts
from .peaks import number_hills, numbered, passes_between, root_of
from .seeded_growth import as_3d

# isort: split
from numba import prange  # after `jit`, which configures numba

_LEVELS = 1024
_AGREE = 0.5  # voxels: closer votes always agree, as centres of two objects are further apart
_NOISES = 2.0  # tolerated multiple of the jitter of neighbouring votes
_SAMPLE = 8_000  # voxels for measuring the jitter
_SWEEPS = 8  # maximum, over the pairs of hills: good maps need 2, very noisy ones up to 8
_FEW = 8  # neighbouring voxels with similar noise: the mean of more votes is less noisy


def join_votes(
    certainty: NDArray[np.float32],
    offsets: NDArray[np.float32],
    mask: NDArray[np.bool_],
    tolerance: float,
    scatter: float,
) -> NDArray[np.int32]:
    """Return the ids of objects, whose voxels vote for one centre.

    Parameters
    ----------
    certainty : ndarray of float, shape (*spatial)
        From 0 to 1: voxels climb to more certain ones.
    offsets : ndarray of float32, shape (ndim, *spatial)
        From each voxel to the centre of its object, in voxels.
    mask : ndarray of bool, shape (*spatial)
        The voxels of objects.
    tolerance : float
        Two sets of voxels are one object if their centres are nearer than this share of the sum
        of their radii ...
    scatter : float
        ... and than this many standard deviations of their votes.

    Returns
    -------
    ndarray of int32, shape (*spatial)
        0 outside the mask. Objects are connected (full connectivity).
    """
    slack = _NOISES * _jitter(offsets, mask)
    level = framed_levels(certainty, mask, _LEVELS, first=1)  # 0 is outside
    votes = _votes(offsets)
    steps = steps_of(level.shape)
    hill = np.empty(level.shape, np.int32)
    _climb(level.ravel(), votes, steps, np.float32((_AGREE + slack) ** 2), hill.ravel())
    count, mean, spread = _hills(hill.ravel(), votes, number_hills(hill.ravel()))
    pairs, _ = passes_between(hill.ravel(), level.ravel(), steps, len(count))
    limits = (float(tolerance), float(scatter), slack, _noise(count, spread))
    parent = _join(pairs, count, mean, spread, limits)
    return looked_up(numbered(parent, 1), hill)


def _jitter(offsets: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return the noise of the votes, 0 for ideal maps: the smaller of two estimates.

    Offsets of neighbours that vote for the same centre differ by the step between them; those of
    two objects differ without noise, so the lower quartile is used. Also, the voxel that others
    vote for should vote for itself; there a systematic error counts as noise, too.
    """
    inside = np.flatnonzero(mask)
    place = np.stack(np.unravel_index(inside[:: 1 + len(inside) // _SAMPLE], mask.shape))
    between = _lower_quartile(_between_neighbours(offsets, mask, place))
    return min(between, _lower_quartile(_at_landing(offsets, place))) if between else 0.0


def _lower_quartile(values: NDArray[np.float32]) -> float:
    place = len(values) // 4
    return float(np.partition(values, place)[place]) if len(values) else 0.0


def _between_neighbours(
    offsets: NDArray[np.float32], mask: NDArray[np.bool_], place: NDArray[np.intp]
) -> NDArray[np.float32]:
    found = []
    for axis in range(mask.ndim):
        other = place.copy()
        other[axis] -= 1
        both = (other[axis] >= 0) & mask[tuple(other)]
        one, other = place[:, both], other[:, both]
        step = offsets[(slice(None), *one)] - offsets[(slice(None), *other)]
        step[axis] += 1
        found.append(np.sqrt((step**2).sum(0)))
    return np.concatenate(found)


def _at_landing(offsets: NDArray[np.float32], place: NDArray[np.intp]) -> NDArray[np.float32]:
    landed = np.rint(place + offsets[(slice(None), *place)]).astype(np.intp)
    for axis, size in enumerate(offsets.shape[1:]):
        np.clip(landed[axis], 0, size - 1, out=landed[axis])
    again = offsets[(slice(None), *landed)]
    length: NDArray[np.float32] = np.sqrt((again**2).sum(0))
    return length


def _noise(count: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """Return the noise variance of votes: the variance within hills, which are small."""
    some = count >= _FEW
    return float(np.quantile(spread[some] / count[some], 0.25)) if some.any() else 0.0


def _votes(offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the position for which each voxel of the padded array votes, shape (voxels, ndim).

    Votes in the padding are not used and not set.
    """
    shape = offsets.shape[1:]
    votes = np.empty((*framed_shape(shape), len(shape)), np.float32).reshape(-1, len(shape))
    rows = np.ascontiguousarray(offsets).reshape(len(shape), -1, shape[-1])
    _place_votes(rows, as_3d(shape)[1], row_starts(shape), votes)
    return votes


@compiled(parallel=True)
def _place_votes(
    offsets: NDArray[np.float32],
    height: int,
    starts: NDArray[np.int64],
    votes: NDArray[np.float32],
) -> None:
    """Write offsets (ndim, rows, X), of stacks of `height` rows a plane, as positions."""
    last = len(offsets) - 1
    for row in prange(len(starts)):
        y, z = np.float32(row % height), np.float32(row // height)
        for x in range(offsets.shape[2]):
            i = starts[row] + x
            votes[i, last] = offsets[last, row, x] + np.float32(x)
            votes[i, last - 1] = offsets[last - 1, row, x] + y
            if last == 2:
                votes[i, 0] = offsets[0, row, x] + z


@inlined
def _above(
    level: NDArray[np.uint16],
    votes: NDArray[np.float32],
    steps: NDArray[np.int64],
    slack2: np.float32,
    i: int,
) -> int:
    """Return the most certain neighbour of a voxel with a similar vote, or the voxel itself.

    In case of ties the first one counts, so that there are no cycles.
    """
    best, top = i, (np.int64(level[i]) << 32) - i
    for step in steps:
        j = i + step
        here = (np.int64(level[j]) << 32) - j
        if here <= top:
            continue
        apart = np.float32(0)
        for k in range(votes.shape[1]):
            apart += (votes[j, k] - votes[i, k]) ** 2
        if apart <= slack2:
            best, top = j, here
    return best


@compiled(parallel=True)
def _climb(
    level: NDArray[np.uint16],
    votes: NDArray[np.float32],
    steps: NDArray[np.int64],
    slack2: np.float32,
    up: NDArray[np.int32],
) -> None:
    """Write the index of the neighbour to which each voxel climbs, -1 outside."""
    for i in prange(level.size):
        up[i] = _above(level, votes, steps, slack2, i) if level[i] > 0 else -1


@compiled()
def _hills(
    hill: NDArray[np.int32], votes: NDArray[np.float32], hills: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the size, mean vote and sum of squared deviations of votes of each hill."""
    ndim = votes.shape[1]
    count, square = np.zeros(hills + 1), np.zeros(hills + 1)
    first, total = np.zeros((hills + 1, ndim)), np.zeros((hills + 1, ndim))
    for i in range(hill.size):
        h = hill[i]
        if h == 0:
            continue
        if count[h] == 0:  # relative to the first vote no digits are lost
            for k in range(ndim):
                first[h, k] = votes[i, k]
        count[h] += 1
        for k in range(ndim):
            away = votes[i, k] - first[h, k]
            total[h, k] += away
            square[h] += away * away
    for h in range(1, hills + 1):
        for k in range(ndim):
            mean = total[h, k] / count[h]
            first[h, k] += mean
            square[h] -= mean * total[h, k]
        square[h] = max(square[h], 0.0)
    return count, first, square


@inlined
def _radius(count: float, ndim: int) -> float:
    radius: float = (count / np.pi) ** 0.5 if ndim == 2 else (0.75 * count / np.pi) ** (1 / 3)
    return radius


@inlined
def _error(count: float, spread: float, noise: float) -> float:
    """Return the error of the mean vote of a set: its scatter without noise, and noise."""
    error: float = max(spread / count - noise, 0.0) ** 0.5 + (noise / (1 + count / _FEW)) ** 0.5
    return error


@compiled()
def _join(
    pairs: NDArray[np.int64],
    count: NDArray[np.float64],
    votes: NDArray[np.float64],
    spread: NDArray[np.float64],
    limits: tuple[float, float, float, float],
) -> NDArray[np.int32]:
    """Return the parents of hills, merged if their votes agree.

    `limits` are the tolerance, the scatter, the distance of two single votes due to noise, and the
    variance of that noise.
    """
    tolerance, scatter, slack, noise = limits
    n, ndim = votes.shape
    parent = np.arange(n).astype(np.int32)
    for _ in range(_SWEEPS):
        left = 0
        changed = False
        for key in pairs:
            a, b = root_of(parent, key // n), root_of(parent, key % n)
            if a == b:
                continue
            apart = 0.0
            for k in range(ndim):
                apart += (votes[a, k] - votes[b, k]) ** 2
            reach = tolerance * (_radius(count[a], ndim) + _radius(count[b], ndim))
            errors = _error(count[a], spread[a], noise) + _error(count[b], spread[b], noise)
            few = min(count[a], count[b])
            reach = min(reach, scatter * errors) + _AGREE + slack / (1 + few / _FEW) ** 0.5
            if apart > reach * reach:
                pairs[left] = key
                left += 1
                continue
            if count[a] < count[b]:
                a, b = b, a
            total = count[a] + count[b]
            share = count[b] / total
            for k in range(ndim):
                votes[a, k] += (votes[b, k] - votes[a, k]) * share
            spread[a] += spread[b] + apart * share * count[a]
            count[a] = total
            parent[b] = a
            changed = True
        pairs = pairs[:left]
        if not changed:
            break
    return parent
