"""Collect evidence for each object from the maps, the basis of its confidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

_SLAB = 2**20  # voxels whose maps are in memory as float32 at a time
_SCATTER = 0.02  # radii: smaller scatter makes no difference


def slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the slabs along the first axis in which the maps of an image are read."""
    rows = max(1, _SLAB // max(1, int(np.prod(shape[1:]))))
    return (slice(start, start + rows) for start in range(0, shape[0], rows))


def means(
    labels: NDArray[np.integer], values: NDArray[np.number], count: int
) -> NDArray[np.float64]:
    """Return the mean of the values, of the shape of the labels, in each of `count` objects."""
    sums = np.zeros((count, 2))
    for part in slabs(labels.shape):
        own = np.ascontiguousarray(values[part], dtype=np.float32)
        _add_means(np.ascontiguousarray(labels[part]).ravel(), own.ravel(), sums)
    mean: NDArray[np.float64] = sums[:, 1] / np.maximum(sums[:, 0], 1)
    return mean


@compiled()
def _add_means(
    labels: NDArray[np.integer], values: NDArray[np.float32], sums: NDArray[np.float64]
) -> None:
    for i in range(labels.size):
        if labels[i] > 0:
            sums[labels[i] - 1, 0] += 1
            sums[labels[i] - 1, 1] += values[i]


class Evidence:
    """Accumulates the evidence for each object, slab by slab.

    Attributes
    ----------
    labels : ndarray of int, shape (*spatial)
        Consecutive ids from 1.
    """

    def __init__(self, labels: NDArray[np.integer]) -> None:
        self.ndim = labels.ndim
        self.labels = np.ascontiguousarray(labels).reshape(_flat_stack(labels.shape))
        count = int(labels.max(initial=0))
        # Per object: voxels, sum of foreground, maximum seed, squares of votes, rim, border on it
        self.sums = np.zeros((count, 6))
        self.votes = np.zeros((count, self.ndim))

    def add(
        self,
        start: int,
        foreground: NDArray[np.float32],
        seed: NDArray[np.float32],
        border: NDArray[np.float32],
        offsets: NDArray[np.float32] | None = None,
    ) -> None:
        """Add a slab that starts at `start` along the first axis; offsets point to the centre."""
        shape = _flat_stack(foreground.shape)
        a, b, c = (
            np.ascontiguousarray(m, dtype=np.float32).reshape(shape)
            for m in (foreground, seed, border)
        )
        vectors = np.zeros((3, *shape), np.float32)
        if offsets is not None:
            vectors[_axes(self.ndim)] = offsets.reshape(self.ndim, *shape)
        votes = np.zeros((len(self.sums), 3))
        _accumulate(self.labels, start, a, b, c, vectors, self.sums, votes)
        self.votes += votes[:, _axes(self.ndim)]

    def features(self) -> NDArray[np.float64]:
        """Return the evidence for each object, shape (objects, 4).

        Mean foreground, maximum seed, logarithm of the scatter of votes (their standard deviation
        in radii of the object), and mean border on the rim.
        """
        size, foreground, seed, squares, rim, border = self.sums.T
        size = np.maximum(size, 1)
        variance = squares / size - ((self.votes / size[:, None]) ** 2).sum(1)
        flat = self.ndim == 2
        radius = np.sqrt(size / np.pi) if flat else np.cbrt(0.75 * size / np.pi)
        scatter = np.log(np.sqrt(np.maximum(variance, 0)) / radius + _SCATTER)
        return np.stack([foreground / size, seed, scatter, border / np.maximum(rim, 1)], 1)


def _axes(ndim: int) -> list[int]:
    return [0, 2] if ndim == 2 else [0, 1, 2]


def _flat_stack(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the shape of a 2D or 3D array with three axes, the first one unchanged."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])


@compiled()
def _accumulate(
    labels: NDArray[np.integer],
    start: int,
    foreground: NDArray[np.float32],
    seed: NDArray[np.float32],
    border: NDArray[np.float32],
    offsets: NDArray[np.float32],
    sums: NDArray[np.float64],
    votes: NDArray[np.float64],
) -> None:
    planes, rows, cols = labels.shape
    depth = foreground.shape[0]
    for k in range(depth):
        z = start + k
        for y in range(rows):
            for x in range(cols):
                label = labels[z, y, x]
                if label == 0:
                    continue
                own = label - 1
                sums[own, 0] += 1
                sums[own, 1] += foreground[k, y, x]
                sums[own, 2] = max(sums[own, 2], seed[k, y, x])
                vz, vy, vx = (
                    z + offsets[0, k, y, x],
                    y + offsets[1, k, y, x],
                    x + offsets[2, k, y, x],
                )
                votes[own, 0] += vz
                votes[own, 1] += vy
                votes[own, 2] += vx
                sums[own, 3] += vz * vz + vy * vy + vx * vx
                if (
                    (z > 0 and labels[z - 1, y, x] != label)
                    or (z + 1 < planes and labels[z + 1, y, x] != label)
                    or (y > 0 and labels[z, y - 1, x] != label)
                    or (y + 1 < rows and labels[z, y + 1, x] != label)
                    or (x > 0 and labels[z, y, x - 1] != label)
                    or (x + 1 < cols and labels[z, y, x + 1] != label)
                ):
                    sums[own, 4] += 1
                    sums[own, 5] += border[k, y, x]
