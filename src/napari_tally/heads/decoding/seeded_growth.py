"""Grow objects from seeds (watershed by flooding), in 2D and 3D."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .padded_neighbours import faces_of, steps_of, within
from .padding import framed_levels, framed_where

LEVELS = 256
_OUTSIDE = -1


def grow(
    seeds: NDArray[np.integer], height: NDArray[np.floating], mask: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Grow seeds over a mask, higher voxels first, in case of ties nearer ones first.

    Watershed by flooding with a bucket queue (Beucher & Meyer, 1993), linear in voxels.

    Parameters
    ----------
    seeds : ndarray of int, shape (*spatial)
        Ids of the seeds, 0 elsewhere.
    height : ndarray of float, shape (*spatial)
        Clipped to 0..1.
    mask : ndarray of bool, shape (*spatial)
        Where objects may grow.

    Returns
    -------
    ndarray of int32, shape (*spatial)
        The ids; 0 outside the mask and where no seed reaches.
    """
    out = framed_where(mask, seeds, _OUTSIDE)
    level = framed_levels(height, mask, LEVELS)
    _grow(out.ravel(), level.ravel(), steps_of(out.shape))
    labels: NDArray[np.int32] = np.maximum(within(out), 0)
    return labels


def as_3d(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a 2D or 3D shape as that of a stack."""
    z, y, x = (1,) * (3 - len(shape)) + shape
    return z, y, x


@inlined
def _queue(
    after: NDArray[np.int32],
    heads: NDArray[np.int64],
    tails: NDArray[np.int64],
    i: int,
    level: int,
) -> None:
    """Put a voxel at the end of the queue of its level."""
    after[i] = -1
    if tails[level] < 0:
        heads[level] = i
    else:
        after[tails[level]] = i
    tails[level] = i


@compiled()
def _grow(out: NDArray[np.int32], level: NDArray[np.uint16], steps: NDArray[np.int64]) -> None:
    # Each level is a queue: `after` links its voxels, `heads` and `tails` are its ends.
    after = np.empty(out.size, np.int32)
    heads = np.full(LEVELS, -1, np.int64)
    tails = np.full(LEVELS, -1, np.int64)
    now = LEVELS - 1
    faces = faces_of(steps)  # diagonal neighbours are face neighbours of others
    for i in range(out.size):
        if out[i] > 0:
            for step in steps[:faces]:
                if out[i + step] == 0:
                    _queue(after, heads, tails, i, now)
                    break
    while now >= 0:
        i = heads[now]
        if i < 0:
            now -= 1
            continue
        heads[now] = after[i]
        if heads[now] < 0:
            tails[now] = -1
        for step in steps:
            j = i + step
            if out[j] == 0:
                out[j] = out[i]
                _queue(after, heads, tails, j, min(now, int(level[j])))
