"""Sums over the voxels of each object, in one compiled pass over the array.

A row of voxels is read run by run: what a run of one id adds to the sums of coordinates is known
in closed form, so that the table of an object is touched once a run and not once a voxel. Each
thread fills a table of its own over a slab of rows; the tables are then merged, coordinates in
whole numbers and so without rounding, intensities by the formula of Chan, Golub & LeVeque, 1983.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled, inlined

# isort: split
from numba import get_num_threads, prange  # after `jit`, which tells numba what it may take

# Columns of the table of whole numbers. Sums are taken from the object's first voxel of the slab:
# near it they are small, and no digits are lost in their differences.
COUNT, FIRST, SUM, PRODUCT, LOW, HIGH = 0, 1, 4, 7, 13, 16
INTS = 19
ROWS = np.array([0, 1, 2, 0, 0, 1])  # axes of the products: zz, yy, xx, zy, zx, yx
COLUMNS = np.array([0, 1, 2, 1, 2, 2])

# Columns of the table of intensities, sums taken from `SHIFT`, the first finite value; then the
# sums of the places of the finite voxels along Z, Y and X, plain and times their intensity.
FINITE, SHIFT, TOTAL, SQUARES, MIN, MAX, PLACES, TORQUES = 0, 1, 2, 3, 4, 5, 6, 9
FLOATS = 12

MAX_TABLE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Moments:
    """What one pass finds of n objects on (Z, Y, X) and in C channels.

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
        Mean place of the finite voxels, and mean of their place times their intensity, in voxels.
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


def moments(
    labels: NDArray[np.unsignedinteger[Any]], image: NDArray[Any], n_objects: int
) -> Moments:
    """Return the moments of the objects 1 to `n_objects`, NaN of those without a voxel.

    Parameters
    ----------
    labels : ndarray of uint16 or uint32, shape (Z, Y, X)
    image : ndarray of uint8, uint16, float32 or float64, shape (C, Z, Y, X)
        NaN and infinite values are passed over. C may be 0.
    n_objects : int
        The largest id.
    """
    slabs = _slabs(labels.shape, n_objects, len(image))
    ints = np.zeros((slabs, n_objects + 1, INTS), np.int64)
    floats = np.zeros((slabs, n_objects + 1, len(image), FLOATS))
    _measure_slabs(np.ascontiguousarray(labels), np.ascontiguousarray(image), ints, floats)
    space, light = _merged_ints(ints[:, 1:]), _merged_floats(floats[:, 1:])
    count, first = space[:, COUNT], space[:, FIRST:SUM]
    with np.errstate(invalid="ignore"):
        shift = space[:, SUM:PRODUCT] / count[:, None]
        products = space[:, PRODUCT:LOW] / count[:, None] - shift[:, ROWS] * shift[:, COLUMNS]
    covariance = np.empty((n_objects, 3, 3))
    covariance[:, ROWS, COLUMNS] = covariance[:, COLUMNS, ROWS] = products
    return Moments(
        count, first + shift, covariance, space[:, LOW:HIGH], space[:, HIGH:INTS] + 1, *light
    )


def _slabs(shape: tuple[int, ...], n_objects: int, channels: int) -> int:
    """Return how many slabs, one a thread, the array is cut into; fewer if tables were huge."""
    table = (n_objects + 1) * 8 * (INTS + channels * FLOATS)
    threads: int = get_num_threads()
    return max(1, min(threads, shape[0] * shape[1], MAX_TABLE_BYTES // table))


@inlined
def _add_run(table: NDArray[np.int64], label: int, z: int, y: int, start: int, stop: int) -> None:
    """Add the voxels from `start` to `stop` of a row to the sums of coordinates."""
    n = stop - start
    t = table[label]
    if t[COUNT] == 0:
        t[FIRST], t[FIRST + 1], t[FIRST + 2] = z, y, start
        t[LOW], t[LOW + 1], t[LOW + 2] = z, y, start
    dz, dy, dx = z - t[FIRST], y - t[FIRST + 1], start - t[FIRST + 2]
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
    t[LOW + 2] = min(t[LOW + 2], start)
    t[HIGH] = z
    t[HIGH + 1] = max(t[HIGH + 1], y)
    t[HIGH + 2] = max(t[HIGH + 2], stop - 1)


@inlined
def _add_values(t: NDArray[np.float64], z: int, y: int, start: int, values: NDArray[Any]) -> None:
    """Add the finite values of a run that begins at (z, y, start) to a row of sums."""
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
    t[FINITE] += n
    t[TOTAL] += total
    t[SQUARES] += squares
    t[SHIFT], t[MIN], t[MAX] = shift, low, high
    t[PLACES] += n * z
    t[PLACES + 1] += n * y
    t[PLACES + 2] += n * start + places
    t[TORQUES] += total * z
    t[TORQUES + 1] += total * y
    t[TORQUES + 2] += total * start + torque


@inlined
def _add_rows(
    labels: NDArray[Any],
    image: NDArray[Any],
    rows: tuple[int, int],
    ints: NDArray[np.int64],
    floats: NDArray[np.float64],
) -> None:
    """Add the rows from `rows[0]` to `rows[1]`, counted over all planes, to one slab's tables."""
    _, height, width = labels.shape
    for row in range(rows[0], rows[1]):
        z, y = row // height, row % height
        line = labels[z, y]
        x = 0
        while x < width:
            label, start = line[x], x
            x += 1
            while x < width and line[x] == label:
                x += 1
            if label > 0:
                _add_run(ints, label, z, y, start, x)
                for channel in range(len(image)):
                    _add_values(floats[label, channel], z, y, start, image[channel, z, y, start:x])


@compiled(parallel=True)
def _measure_slabs(
    labels: NDArray[Any],
    image: NDArray[Any],
    ints: NDArray[np.int64],
    floats: NDArray[np.float64],
) -> None:
    slabs, rows = len(ints), labels.shape[0] * labels.shape[1]
    for s in prange(slabs):
        _add_rows(labels, image, (s * rows // slabs, (s + 1) * rows // slabs), ints[s], floats[s])


def _merged_ints(parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge the slabs' tables of coordinates, in the order of the slabs."""
    total: NDArray[np.int64] = parts[0]
    for part in parts[1:]:
        seen, here = total[:, COUNT] > 0, part[:, COUNT] > 0
        total[here & ~seen] = part[here & ~seen]
        both = here & seen
        total[both] = _joined(total[both], part[both])
    return total


def _joined(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the sums of `b`, moved to the first voxels of `a`."""
    n, sums = b[:, COUNT, None], b[:, SUM:PRODUCT]
    shift = b[:, FIRST:SUM] - a[:, FIRST:SUM]
    di, dj = shift[:, ROWS], shift[:, COLUMNS]
    products = b[:, PRODUCT:LOW] + di * sums[:, COLUMNS] + dj * sums[:, ROWS] + n * di * dj
    count = a[:, COUNT, None] + n
    low = np.minimum(a[:, LOW:HIGH], b[:, LOW:HIGH])
    high = np.maximum(a[:, HIGH:], b[:, HIGH:])
    sums, products = a[:, SUM:PRODUCT] + sums + n * shift, a[:, PRODUCT:LOW] + products
    return np.hstack([count, a[:, FIRST:SUM], sums, products, low, high])


def _merged_floats(parts: NDArray[np.float64]) -> list[NDArray[Any]]:
    """Merge the slabs' tables of intensities: what `Moments` has from `finite` on."""
    n, shift, total, squares, low, high = np.moveaxis(parts[..., :PLACES], -1, 0)
    places, torques = parts[..., PLACES:TORQUES], parts[..., TORQUES:]
    with np.errstate(invalid="ignore", divide="ignore"):  # no finite voxel: NaN
        means = np.where(n > 0, shift + total / n, 0)
        spread = np.where(n > 0, squares - total * total / n, 0)
        count, mean, within = n[0], means[0], spread[0]
        for s in range(1, len(n)):
            both, delta = count + n[s], means[s] - mean
            share = np.where(both > 0, n[s] / both, 0)
            within = within + spread[s] + delta**2 * count * share
            count, mean = both, mean + delta * share
        variance = np.maximum(within, 0) / count
        place = places.sum(axis=0) / count[..., None]
        pull = (torques + shift[..., None] * places).sum(axis=0) / count[..., None]
    low = np.where(n > 0, low, np.inf).min(axis=0)
    high = np.where(n > 0, high, -np.inf).max(axis=0)
    numbers = [np.where(count > 0, a, np.nan) for a in (mean, variance, low, high)]
    return [count.astype(np.int64), *numbers, place, pull]
