"""Sums over the voxels of each object, in one compiled pass over the array.

Rows of voxels are read run by run: the contribution of a run of one id to the sums of coordinates
has a closed form, so the table of an object is updated once per run, not once per voxel. Each
thread fills its own table over a slab of rows; the tables are then added, as are those of blocks of
an array larger than memory. Coordinates are integers, added without rounding; intensities are
relative to a value of the object, to keep their precision.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined, threads
from ...core.label_runs import run_starts
from .voxel_cubes import slab_count

# isort: split
from numba import prange  # after `jit`, which configures numba

# Columns of the table of integers. Sums are relative to the object's first voxel in the slab, so
# that they are small and their differences precise.
COUNT, FIRST, SUM, PRODUCT, LOW, HIGH = 0, 1, 4, 7, 13, 16
INTS = 19
ROWS = np.array([0, 1, 2, 0, 0, 1])  # axes of the products: zz, yy, xx, zy, zx, yx
COLUMNS = np.array([0, 1, 2, 1, 2, 2])

# Columns of the table of intensities, with sums relative to `SHIFT`, the first finite value; then
# sums of the positions of finite voxels along Z, Y and X, unweighted and weighted by intensity.
FINITE, SHIFT, TOTAL, SQUARES, MIN, MAX, PLACES, TORQUES = 0, 1, 2, 3, 4, 5, 6, 9
FLOATS = 12


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of n objects on (Z, Y, X) and in C channels.

    Attributes
    ----------
    count : ndarray of int64, shape (n,)
        Voxels.
    centroid, covariance : ndarray of float64, shape (n, 3) and (n, 3, 3)
        In voxels; the covariance is that of the population.
    low, high : ndarray of int64, shape (n, 3)
        Bounding boxes, `high` exclusive.
    finite : ndarray of int64, shape (n, C)
        Voxels of finite intensity.
    mean, variance, minimum, maximum : ndarray of float64, shape (n, C)
        Of the finite intensities, NaN where there are none.
    place, pull : ndarray of float64, shape (n, C, 3)
        Mean position of finite voxels, and mean of position times intensity, in voxels.
    """

    count: NDArray[np.int64]
    centroid: NDArray[np.float64]
    covariance: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    finite: NDArray[np.int64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    place: NDArray[np.float64]
    pull: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of objects over an array or a part of it; add those of parts with `+`.

    Attributes
    ----------
    ints : ndarray of int64, shape (n, INTS)
    floats : ndarray of float64, shape (n, C, FLOATS)
    """

    ints: NDArray[np.int64]
    floats: NDArray[np.float64]

    def __add__(self, other: Sums) -> Sums:
        return Sums(_added(self.ints, other.ints), _added_values(self.floats, other.floats))

    def moments(self) -> Moments:
        """Return the moments of each object; NaN without voxels."""
        count, first = self.ints[:, COUNT], self.ints[:, FIRST:SUM]
        with np.errstate(invalid="ignore"):
            shift = self.ints[:, SUM:PRODUCT] / count[:, None]
            products = self.ints[:, PRODUCT:LOW] / count[:, None]
        products -= shift[:, ROWS] * shift[:, COLUMNS]
        covariance = np.empty((len(count), 3, 3))
        covariance[:, ROWS, COLUMNS] = covariance[:, COLUMNS, ROWS] = products
        low, high = self.ints[:, LOW:HIGH], self.ints[:, HIGH:INTS] + 1
        return Moments(count, first + shift, covariance, low, high, *_means(self.floats))


def sums(
    labels: NDArray[np.unsignedinteger[Any]],
    image: NDArray[Any],
    n_objects: int,
    origin: tuple[int, int, int] = (0, 0, 0),
) -> Sums:
    """Return the sums of the objects 1 to `n_objects`.

    Parameters
    ----------
    labels : ndarray of uint16 or uint32, shape (Z, Y, X)
    image : ndarray of uint8, uint16, float32 or float64, shape (C, Z, Y, X)
        NaN and infinite values are ignored. C may be 0.
    n_objects : int
        The largest id.
    origin : tuple of int
        Index of the first voxel in the whole array.
    """
    table = (n_objects + 1) * 8 * (INTS + len(image) * FLOATS)
    slabs = slab_count(labels.shape[0] * labels.shape[1], table, threads())
    ints = np.zeros((slabs, n_objects + 1, INTS), np.int64)
    floats = np.zeros((slabs, n_objects + 1, len(image), FLOATS))
    _measure_slabs(
        np.ascontiguousarray(labels), np.ascontiguousarray(image), np.array(origin), ints, floats
    )
    return reduce(operator.add, (Sums(ints[s, 1:], floats[s, 1:]) for s in range(slabs)))


@inlined
def _add_run(t: NDArray[np.int64], at: tuple[int, int, int], n: int) -> None:
    """Add `n` voxels of a row, from (z, y, x) on, to the sums of coordinates of an object."""
    z, y, x = at
    if t[COUNT] == 0:
        t[FIRST], t[FIRST + 1], t[FIRST + 2] = z, y, x
        t[LOW], t[LOW + 1], t[LOW + 2] = z, y, x
        t[HIGH], t[HIGH + 1], t[HIGH + 2] = z, y, x
    dz, dy, dx = z - t[FIRST], y - t[FIRST + 1], x - t[FIRST + 2]
    steps = n * (n - 1) // 2
    along = n * dx + steps
    t[COUNT] += n
    t[SUM] += n * dz
    t[SUM + 1] += n * dy
    t[SUM + 2] += along
    t[PRODUCT] += n * dz * dz
    t[PRODUCT + 1] += n * dy * dy
    t[PRODUCT + 2] += n * dx * dx + 2 * dx * steps + steps * (2 * n - 1) // 3
    t[PRODUCT + 3] += n * dz * dy
    t[PRODUCT + 4] += dz * along
    t[PRODUCT + 5] += dy * along
    t[LOW + 1] = min(t[LOW + 1], y)
    t[LOW + 2] = min(t[LOW + 2], x)
    t[HIGH] = z
    t[HIGH + 1] = max(t[HIGH + 1], y)
    t[HIGH + 2] = max(t[HIGH + 2], x + n - 1)


@inlined
def _add_values(t: NDArray[np.float64], at: tuple[int, int, int], values: NDArray[Any]) -> None:
    """Add the finite values of a run, from (z, y, x) on, to the sums of one channel."""
    n, total, squares, places, torque = 0, 0.0, 0.0, 0, 0.0
    shift, low, high = t[SHIFT], t[MIN], t[MAX]
    for i in range(len(values)):
        value = float(values[i])
        if not np.isfinite(value):
            continue
        if n == 0 and t[FINITE] == 0:
            shift, low, high = value, value, value
        above = value - shift
        n += 1
        total += above
        squares += above * above
        places += i
        torque += above * i
        low, high = min(low, value), max(high, value)
    z, y, x = at
    t[FINITE] += n
    t[TOTAL] += total
    t[SQUARES] += squares
    t[SHIFT], t[MIN], t[MAX] = shift, low, high
    t[PLACES] += n * z
    t[PLACES + 1] += n * y
    t[PLACES + 2] += n * x + places
    t[TORQUES] += total * z
    t[TORQUES + 1] += total * y
    t[TORQUES + 2] += total * x + torque


@inlined
def _add_rows(
    labels: NDArray[Any],
    image: NDArray[Any],
    rows: tuple[int, int],
    origin: NDArray[np.int64],
    ints: NDArray[np.int64],
    floats: NDArray[np.float64],
) -> None:
    """Add the rows from `rows[0]` to `rows[1]` (over all planes) to the tables of a slab."""
    _, height, width = labels.shape
    differs, starts = np.empty(width, labels.dtype), np.empty(width + 1, np.int64)
    for row in range(rows[0], rows[1]):
        z, y = row // height, row % height
        line = labels[z, y]
        for run in range(run_starts(line, differs, starts)):
            start, x = starts[run], starts[run + 1]
            label = line[start]
            if label > 0:
                at = z + origin[0], y + origin[1], start + origin[2]
                _add_run(ints[label], at, x - start)
                for channel in range(len(image)):
                    _add_values(floats[label, channel], at, image[channel, z, y, start:x])


@compiled(parallel=True)
def _measure_slabs(
    labels: NDArray[Any],
    image: NDArray[Any],
    origin: NDArray[np.int64],
    ints: NDArray[np.int64],
    floats: NDArray[np.float64],
) -> None:
    slabs, rows = len(ints), labels.shape[0] * labels.shape[1]
    for s in prange(slabs):
        part = s * rows // slabs, (s + 1) * rows // slabs
        _add_rows(labels, image, part, origin, ints[s], floats[s])


def _added(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add sums of coordinates; those of `b` are first made relative to `a`'s first voxels."""
    out = a + b  # the rows of objects without a voxel are 0
    both = (a[:, COUNT] > 0) & (b[:, COUNT] > 0)
    a, b = a[both], b[both]
    n, sums, shift = b[:, COUNT, None], b[:, SUM:PRODUCT], b[:, FIRST:SUM] - a[:, FIRST:SUM]
    di, dj = shift[:, ROWS], shift[:, COLUMNS]
    out[both, FIRST:SUM] = a[:, FIRST:SUM]
    out[both, SUM:PRODUCT] += n * shift
    out[both, PRODUCT:LOW] += di * sums[:, COLUMNS] + dj * sums[:, ROWS] + n * di * dj
    out[both, LOW:HIGH] = np.minimum(a[:, LOW:HIGH], b[:, LOW:HIGH])
    out[both, HIGH:] = np.maximum(a[:, HIGH:], b[:, HIGH:])
    return out


def _added_values(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add sums of intensities; those of `b` are first made relative to `a`'s shift."""
    out = a + b
    both = (a[..., FINITE] > 0) & (b[..., FINITE] > 0)
    a, b = a[both], b[both]
    n, total, shift = b[:, FINITE], b[:, TOTAL], b[:, SHIFT] - a[:, SHIFT]
    found = a + b
    found[:, SHIFT] = a[:, SHIFT]
    found[:, TOTAL] += n * shift
    found[:, SQUARES] += 2 * shift * total + n * shift**2
    found[:, MIN] = np.minimum(a[:, MIN], b[:, MIN])
    found[:, MAX] = np.maximum(a[:, MAX], b[:, MAX])
    found[:, TORQUES:] += shift[:, None] * b[:, PLACES:TORQUES]
    out[both] = found
    return out


def _means(sums: NDArray[np.float64]) -> list[NDArray[Any]]:
    """Return the fields of `Moments` for intensities, from `finite` on."""
    n, shift, total, squares, low, high = np.moveaxis(sums[..., :PLACES], -1, 0)
    places = sums[..., PLACES:TORQUES]
    with np.errstate(invalid="ignore", divide="ignore"):  # no finite voxel: NaN
        mean = shift + total / n
        variance = np.maximum(squares - total * total / n, 0) / n
        place = places / n[..., None]
        pull = (sums[..., TORQUES:] + shift[..., None] * places) / n[..., None]
    low, high = (np.where(n > 0, a, np.nan) for a in (low, high))
    return [n.astype(np.int64), mean, variance, low, high, place, pull]
