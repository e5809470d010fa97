"""Watershed by persistence: one basin per peak that stands out enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled
from .seeded_growth import as_3d


def basins(
    height: NDArray[np.floating], apart: NDArray[np.integer], neck: float, step: float
) -> NDArray[np.int32]:
    """Split labels into the hills of a height map.

    Voxels are visited from the highest down; each joins its highest neighbour. Where two hills meet
    they are merged, unless the pass is lower than `neck` times the lower peak, and by more than
    `step`: watershed by persistence, after Edelsbrunner et al., 2002,
    https://doi.org/10.1007/s00454-002-2885-2.

    Parameters
    ----------
    height : ndarray of float, shape (*spatial)
        Positive inside of labels.
    apart : ndarray of int, shape (*spatial)
        Labels, which are never merged; 0 is the background.
    neck : float
        From 0 (all touching hills are merged) to 1 (each peak is a basin).
    step : float
        Minimum difference between peak and pass, in the unit of `height`.

    Returns
    -------
    ndarray of int32, shape (*spatial)
        Consecutive ids from 1 in the order of their first voxels, 0 outside of labels.
    """
    inside = np.flatnonzero(apart)
    flat = np.ascontiguousarray(height, dtype=np.float32).ravel()
    order = inside[np.argsort(-flat[inside], kind="stable")]
    labels = np.ascontiguousarray(apart).reshape(as_3d(apart.shape))
    out = np.zeros(labels.shape, np.int32)
    _divide(flat, labels, order, np.float32(neck), np.float32(step), out)
    return out.reshape(apart.shape)


@compiled()
def _divide(
    height: NDArray[np.float32],
    labels: NDArray[np.integer],
    order: NDArray[np.intp],
    neck: np.float32,
    step: np.float32,
    out: NDArray[np.int32],
) -> None:
    depth, rows, cols = labels.shape
    label, basin = labels.ravel(), out.ravel()
    parent = np.arange(order.size + 1)  # of each hill; a merged hill points to the other one
    peak = np.zeros(order.size + 1, np.float32)
    hills = 0
    for i in order:
        z, rest = divmod(i, rows * cols)
        y, x = divmod(rest, cols)
        best, hill = -1, 0
        for zz in range(max(z - 1, 0), min(z + 2, depth)):
            for yy in range(max(y - 1, 0), min(y + 2, rows)):
                for xx in range(max(x - 1, 0), min(x + 2, cols)):
                    j = (zz * rows + yy) * cols + xx
                    if basin[j] == 0 or label[j] != label[i]:
                        continue
                    if best < 0 or height[j] > height[best]:
                        best = j
                    other = basin[j]
                    while parent[other] != other:
                        parent[other] = parent[parent[other]]
                        other = parent[other]
                    if hill == 0 or hill == other:
                        hill = other
                        continue
                    if peak[other] > peak[hill]:
                        hill, other = other, hill
                    if height[i] >= neck * peak[other] or peak[other] - height[i] <= step:
                        parent[other] = hill
        if best >= 0:
            basin[i] = basin[best]
        else:
            hills += 1
            basin[i], peak[hills] = hills, height[i]
    number, count = np.zeros(hills + 1, np.int32), 0
    for i in range(basin.size):
        hill = basin[i]
        while parent[hill] != hill:
            hill = parent[hill]
        if hill > 0 and number[hill] == 0:
            count += 1
            number[hill] = count
        basin[i] = number[hill]
