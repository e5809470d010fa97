"""Join voxels that vote for one centre, one compiled loop over the voxels for 2D and 3D.

Voxels are taken from the most certain to the least, as in a flood. Each starts as an object of
its own and is joined with its neighbours' objects while the mean votes of both agree: their
distance has to be small against the objects' radii and against the scatter of their votes.
A flood that stops at saddles (watershed) has to guess how deep a saddle between two objects is;
here the voxels on its two sides say whether they mean the same object.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled, inlined
from .flood import as_3d, quantized

_LEVELS = 1024
_SURE = 0.5  # voxels: votes nearer than this always agree; centres of two objects are further apart
_NOISES = 2.0  # how many times the jitter of neighbouring votes is forgiven


def join_votes(
    certainty: NDArray[np.float32],
    offsets: NDArray[np.float32],
    mask: NDArray[np.bool_],
    tolerance: float,
    scatter: float,
) -> NDArray[np.int32]:
    """Return the ids of objects whose voxels vote for one centre; linear in voxels.

    Parameters
    ----------
    certainty : ndarray of float, shape (*spatial)
        From 0 to 1: the order in which voxels are taken.
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
        0 outside the mask. Objects are connected, through diagonal neighbours too.
    """
    order, number = _ordered(quantized(certainty, _LEVELS), mask)
    shape = as_3d(mask.shape)
    place = np.stack(np.unravel_index(order, shape), 1).astype(np.float32)
    move = offsets.reshape(len(offsets), -1)[:, order].T
    place[:, 3 - len(offsets) :] += move
    slack = _SURE + _NOISES * _jitter(offsets, mask)
    parent = _join(
        order, number.reshape(shape), place, len(offsets), float(tolerance), float(scatter), slack
    )
    out = np.zeros(mask.shape, np.int32)
    out.ravel()[order] = parent + 1
    return out


def _ordered(
    level: NDArray[np.uint16], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the flat indices of the mask, highest level first, and each voxel's place (or -1)."""
    inside = np.flatnonzero(mask)
    turned = _LEVELS - 1 - level.ravel()[inside]
    order = inside[np.argsort(turned, kind="stable")]  # a radix sort for 16-bit integers
    number = np.full(mask.size, -1, np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return order, number


def _jitter(offsets: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return the noise of the votes, 0 for ideal maps: the smaller of two estimates.

    Neighbours that mean the same centre have offsets that differ by the step from one to the other;
    those of two objects differ without noise, so the lower quartile is taken. And the voxel that is
    voted for votes for itself; there a systematic error counts as noise too.
    """
    between = _lower_quartile(_between_neighbours(offsets, mask))
    return min(between, _lower_quartile(_at_landing(offsets, mask))) if between else 0.0


def _lower_quartile(values: NDArray[np.float32]) -> float:
    place = len(values) // 4
    return float(np.partition(values, place)[place]) if len(values) else 0.0


def _between_neighbours(
    offsets: NDArray[np.float32], mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    found = []
    for axis in range(mask.ndim):
        one = (slice(None),) * axis + (slice(1, None),)
        other = (slice(None),) * axis + (slice(None, -1),)
        both = mask[one] & mask[other]
        step = offsets[(slice(None), *one)][:, both] - offsets[(slice(None), *other)][:, both]
        step[axis] += 1
        found.append(np.sqrt((step**2).sum(0)))
    return np.concatenate(found)


def _at_landing(offsets: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    place = np.stack(np.nonzero(mask))
    landed = np.rint(place + offsets[:, mask]).astype(np.intp)
    for axis, size in enumerate(mask.shape):
        np.clip(landed[axis], 0, size - 1, out=landed[axis])
    again = offsets[(slice(None), *landed)]
    length: NDArray[np.float32] = np.sqrt((again**2).sum(0))
    return length


@inlined
def _root(parent: NDArray[np.int32], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@inlined
def _radius(count: float, ndim: int) -> float:
    radius: float = (count / np.pi) ** 0.5 if ndim == 2 else (0.75 * count / np.pi) ** (1 / 3)
    return radius


@compiled()
def _join(
    order: NDArray[np.int64],
    number: NDArray[np.int32],
    votes: NDArray[np.float32],
    ndim: int,
    tolerance: float,
    scatter: float,
    slack: float,
) -> NDArray[np.int32]:
    depth, rows, cols = number.shape
    n = len(order)
    parent = np.arange(n).astype(np.int32)
    count = np.ones(n, np.int32)
    spread = np.zeros(n, np.float32)  # sum of squared distances of the votes from their mean
    for v in range(n):
        z, rest = divmod(order[v], rows * cols)
        y, x = divmod(rest, cols)
        for zz in range(max(z - 1, 0), min(z + 2, depth)):
            for yy in range(max(y - 1, 0), min(y + 2, rows)):
                for xx in range(max(x - 1, 0), min(x + 2, cols)):
                    w = number[zz, yy, xx]
                    if w < 0 or w >= v:
                        continue
                    a, b = _root(parent, v), _root(parent, w)
                    if a == b:
                        continue
                    apart = np.float32(0)
                    for k in range(3):
                        apart += (votes[a, k] - votes[b, k]) ** 2
                    reach = tolerance * (_radius(count[a], ndim) + _radius(count[b], ndim))
                    noise = (spread[a] / count[a]) ** 0.5 + (spread[b] / count[b]) ** 0.5
                    reach = min(reach, scatter * noise) + slack
                    if apart > reach * reach:
                        continue
                    if count[a] < count[b]:
                        a, b = b, a
                    total = count[a] + count[b]
                    share = np.float32(count[b] / total)
                    for k in range(3):
                        votes[a, k] += (votes[b, k] - votes[a, k]) * share
                    spread[a] += spread[b] + apart * share * count[a]
                    count[a] = total
                    parent[b] = a
    for v in range(n):
        parent[v] = _root(parent, v)
    return parent
