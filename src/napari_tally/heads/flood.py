"""Grow objects from seeds, one compiled loop over the voxels for 2D and 3D."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

LEVELS = 256


def grow(
    seeds: NDArray[np.integer], height: NDArray[np.floating], mask: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Grow seeds over a mask, higher voxels first, nearer ones first among equals.

    Watershed by flooding with a bucket queue: Beucher & Meyer, 1993; linear in voxels.

    Parameters
    ----------
    seeds : ndarray of int, shape (*spatial)
        Ids of the seeds, 0 elsewhere.
    height : ndarray of float, shape (*spatial)
        From 0 to 1; what is outside is clipped.
    mask : ndarray of bool, shape (*spatial)
        Where objects may grow.

    Returns
    -------
    ndarray of int32, shape (*spatial)
        The ids; 0 outside the mask and where no seed reaches.
    """
    level = quantized(height, LEVELS)
    out = np.where(mask, seeds, 0).astype(np.int32)
    shape = as_3d(out.shape)
    _grow(out.reshape(shape), level.reshape(shape), np.ascontiguousarray(mask).reshape(shape))
    return out


def quantized(height: NDArray[np.floating], levels: int) -> NDArray[np.uint16]:
    """Return heights from 0 to 1 as whole numbers from 0 to `levels - 1`."""
    scaled: NDArray[np.uint16] = (np.clip(height, 0, 1) * (levels - 1)).astype(np.uint16)
    return scaled


def as_3d(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the shape of a 2D or 3D array as that of a stack."""
    z, y, x = (1,) * (3 - len(shape)) + shape
    return z, y, x


@compiled()
def _grow(out: NDArray[np.int32], level: NDArray[np.uint16], mask: NDArray[np.bool_]) -> None:
    depth, rows, cols = out.shape
    flat, free, height = out.ravel(), mask.ravel(), level.ravel()
    # Each level is a queue: `after` links its voxels, `heads` and `tails` are its ends.
    after = np.full(flat.size, -1, np.int64)
    heads = np.full(LEVELS, -1, np.int64)
    tails = np.full(LEVELS, -1, np.int64)
    for i in range(flat.size):
        if flat[i] > 0:
            if tails[LEVELS - 1] < 0:
                heads[LEVELS - 1] = i
            else:
                after[tails[LEVELS - 1]] = i
            tails[LEVELS - 1] = i
    now = LEVELS - 1
    while now >= 0:
        i = heads[now]
        if i < 0:
            now -= 1
            continue
        heads[now] = after[i]
        if heads[now] < 0:
            tails[now] = -1
        z, rest = divmod(i, rows * cols)
        y, x = divmod(rest, cols)
        for zz in range(max(z - 1, 0), min(z + 2, depth)):
            for yy in range(max(y - 1, 0), min(y + 2, rows)):
                for xx in range(max(x - 1, 0), min(x + 2, cols)):
                    j = (zz * rows + yy) * cols + xx
                    if flat[j] > 0 or not free[j]:
                        continue
                    flat[j] = flat[i]
                    at = min(now, int(height[j]))
                    after[j] = -1
                    if tails[at] < 0:
                        heads[at] = j
                    else:
                        after[tails[at]] = j
                    tails[at] = j
