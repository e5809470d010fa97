"""Colocalization of two channels in each object.

The sums are compiled: `numpy.bincount` takes 8 times as long (benchmarks/own_or_library.py).
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled
from ..declare.feature import Columns, Cost, Feature, Group, Per

if TYPE_CHECKING:
    from ..declare.object_data import Objects

# Sums over voxels finite in both channels, relative to the values of the first such voxel.
N, A, B, AA, BB, AB = range(6)
# Sums of positive intensities of the first channel: all, and where the second is bright.
ALL, TOGETHER = range(2)


def _colocalization(objects: Objects) -> Columns:
    count = len(objects.channels)
    flat = [channel.ravel() for channel in objects.channels]
    labels, n = objects.labels.ravel(), len(objects)
    with np.errstate(divide="ignore", invalid="ignore"):  # constant, or dark: no value
        pearson = [_pearson(labels, flat[a], flat[b], n) for a, b in combinations(range(count), 2)]
        bright = [_threshold(channel) for channel in flat] if count > 1 else []
        manders = [
            _manders(labels, flat[a], flat[b], bright[b], n)
            for a, b in permutations(range(count), 2)
        ]
    return {"pearson": _side_by_side(pearson, n), "manders": _side_by_side(manders, n)}


def _side_by_side(columns: list[NDArray[np.float64]], rows: int) -> NDArray[np.float64]:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0))


def _pearson(labels: NDArray[Any], a: NDArray[Any], b: NDArray[Any], n: int) -> NDArray[np.float64]:
    sums = np.zeros((n + 1, 6))
    _add_products(labels, a, b, sums, np.zeros((n + 1, 2)))
    count = sums[1:, N]
    within_a = sums[1:, AA] - sums[1:, A] ** 2 / count
    within_b = sums[1:, BB] - sums[1:, B] ** 2 / count
    between = sums[1:, AB] - sums[1:, A] * sums[1:, B] / count
    varies = (within_a > 0) & (within_b > 0)
    return np.where(varies, np.clip(between / np.sqrt(within_a * within_b), -1, 1), np.nan)


def _manders(
    labels: NDArray[Any], a: NDArray[Any], b: NDArray[Any], bright: float, n: int
) -> NDArray[np.float64]:
    sums = np.zeros((n + 1, 2))
    _add_above(labels, a, b, bright, sums)
    return np.asarray(sums[1:, TOGETHER] / sums[1:, ALL])


def _threshold(channel: NDArray[Any]) -> float:
    """Return Otsu's threshold of the whole channel: above it a voxel is bright."""
    from skimage.filters import threshold_otsu

    finite = channel[np.isfinite(channel)]
    if not len(finite) or finite.min() == finite.max():
        return float("inf")
    return float(threshold_otsu(finite))


@compiled()
def _add_products(
    labels: NDArray[Any],
    a: NDArray[Any],
    b: NDArray[Any],
    sums: NDArray[np.float64],
    first: NDArray[np.float64],
) -> None:
    for i in range(len(labels)):
        label, x, y = labels[i], float(a[i]), float(b[i])
        if label == 0 or not (np.isfinite(x) and np.isfinite(y)):
            continue
        s = sums[label]
        if s[N] == 0:
            first[label, 0], first[label, 1] = x, y
        x, y = x - first[label, 0], y - first[label, 1]
        s[N] += 1
        s[A] += x
        s[B] += y
        s[AA] += x * x
        s[BB] += y * y
        s[AB] += x * y


@compiled()
def _add_above(
    labels: NDArray[Any],
    a: NDArray[Any],
    b: NDArray[Any],
    bright: float,
    sums: NDArray[np.float64],
) -> None:
    for i in range(len(labels)):
        label, x = labels[i], float(a[i])
        if label == 0 or not np.isfinite(x) or x <= 0:
            continue
        sums[label, ALL] += x
        if b[i] > bright:
            sums[label, TOGETHER] += x


COLOCALIZATION = Group(
    "colocalization",
    "Colocalization of channels",
    Cost.SOME,
    (
        Feature(
            "pearson",
            "Pearson correlation coefficient",
            "Pearson correlation of two channels over the object's voxels. NaN if one of them is "
            "constant.",
            per=Per.PAIR,
        ),
        Feature(
            "manders",
            "Manders' colocalization coefficient",
            "Fraction of the first channel's positive intensity in voxels where the second channel "
            "exceeds its Otsu threshold (of the whole image).",
            per=Per.ORDERED_PAIR,
            source="Manders et al., 1993, https://doi.org/10.1111/j.1365-2818.1993.tb03313.x",
        ),
    ),
    _colocalization,
)
