"""Targets that several heads share: distance to the border, centres of objects."""

from __future__ import annotations

import edt
import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from ..decoding.seeded_growth import as_3d

Labels = NDArray[np.integer]


def normalized_distance(labels: Labels) -> NDArray[np.float32]:
    """Return the distance to the border, scaled to a maximum of 1 in each object."""
    distance: NDArray[np.float32] = edt.edt(np.ascontiguousarray(labels), black_border=False)
    distance[np.isinf(distance)] = 1  # one object that fills the image has no border
    ids = np.ascontiguousarray(labels, np.int32)
    peak = np.zeros(int(ids.max(initial=0)) + 1, np.float32)
    _divide_by_peaks(ids.ravel(), peak, distance.reshape(-1))
    return distance


def centers(labels: Labels) -> NDArray[np.intp]:
    """Return the voxel of each object that is nearest to its centroid, shape (ids + 1, ndim)."""
    ids = np.ascontiguousarray(labels, np.int32)
    ids = ids.reshape(as_3d(ids.shape))
    found = np.zeros((int(ids.max(initial=0)) + 1, 3), np.intp)
    _centers(ids, found)
    return found[:, 3 - labels.ndim :]


@compiled()
def _divide_by_peaks(
    ids: NDArray[np.int32], peak: NDArray[np.float32], distance: NDArray[np.float32]
) -> None:
    for i in range(len(ids)):
        if ids[i] > 0 and distance[i] > peak[ids[i]]:
            peak[ids[i]] = distance[i]
    for i in range(len(ids)):
        if ids[i] > 0:
            distance[i] /= peak[ids[i]]


@compiled()
def _centers(ids: NDArray[np.int32], found: NDArray[np.intp]) -> None:
    nearest_to_centroids(ids, found)


@inlined
def nearest_to_centroids(ids: NDArray[np.int32], found: NDArray[np.intp]) -> None:
    """Write the voxel nearest to each centroid, shape (ids + 1, 3); the first in case of ties."""
    count = np.zeros(len(found))
    centroid = np.zeros((len(found), 3))
    for z in range(ids.shape[0]):
        for y in range(ids.shape[1]):
            for x in range(ids.shape[2]):
                i = ids[z, y, x]
                if i > 0:
                    count[i] += 1
                    centroid[i, 0] += z
                    centroid[i, 1] += y
                    centroid[i, 2] += x
    for i in range(len(found)):
        for axis in range(3):
            centroid[i, axis] /= max(count[i], 1)
    least = np.full(len(found), np.inf)
    for z in range(ids.shape[0]):
        for y in range(ids.shape[1]):
            for x in range(ids.shape[2]):
                i = ids[z, y, x]
                if i <= 0:
                    continue
                away = (z - centroid[i, 0]) ** 2
                away += (y - centroid[i, 1]) ** 2 + (x - centroid[i, 2]) ** 2
                if away < least[i]:
                    least[i] = away
                    found[i] = z, y, x
