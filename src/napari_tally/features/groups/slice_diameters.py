"""Radiological diameters: the longest in a slice (RECIST) and the perpendicular one (WHO)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange

from ..declare.feature import Columns, Cost, Feature, Group
from ..kernels.hull_2d import longest, outline, polygon
from ..kernels.row_extents import rows_in_batches

if TYPE_CHECKING:
    from ..declare.object_data import Objects


def _diameters(objects: Objects) -> Columns:
    found = np.empty((len(objects), 2))
    plane = np.empty(len(objects), np.int64)
    moments = objects.moments
    for rows in rows_in_batches(objects.stack, moments.low, moments.high):
        part = rows.objects
        _measure(rows.starts, rows.ends, rows.shape, objects.voxel, found[part], plane[part])
        plane[part] += rows.low[:, 0]
    return {
        "diameter_in_plane": found[:, 0],
        "diameter_perpendicular": found[:, 1],
        "diameter_slice": plane,
    }


@compiled(parallel=True)
def _measure(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    shape: NDArray[np.int64],
    voxel: NDArray[np.float64],
    found: NDArray[np.float64],
    plane: NDArray[np.int64],
) -> None:
    for i in prange(len(starts)):
        depth, height = shape[i, 0], shape[i, 1]
        table = ends[starts[i] : starts[i] + depth * height]
        plane[i] = _measure_slices(table, height, voxel, found[i])


@inlined
def _measure_slices(
    ends: NDArray[np.int64], height: int, voxel: NDArray[np.float64], found: NDArray[np.float64]
) -> int:
    """Set both diameters, in the (first) slice with the longest; return its index."""
    found[0], plane = -1.0, 0
    for z in range(len(ends) // height):
        corners = polygon(outline(ends[z * height : (z + 1) * height]))
        if len(corners) == 0:
            continue
        points = corners * (voxel[1:] / 2)
        length, i, j = longest(points)
        if length > found[0]:
            found[0], plane = length, z
            found[1] = _longest_across(points, points[j] - points[i])
    return plane


@inlined
def _longest_across(points: NDArray[np.float64], along: NDArray[np.float64]) -> float:
    """Return the longest chord of a convex polygon perpendicular to a direction.

    Chord length is linear between corners, so the longest chord ends at a corner.
    """
    length = np.hypot(along[0], along[1])
    rotated = np.empty_like(points)  # along the direction, and across it
    for i in range(len(points)):
        rotated[i, 0] = (points[i, 0] * along[0] + points[i, 1] * along[1]) / length
        rotated[i, 1] = (points[i, 1] * along[0] - points[i, 0] * along[1]) / length
    best = 0.0
    for i in range(len(points)):
        best = max(best, _chord(rotated, rotated[i, 0]))
    return best


@inlined
def _chord(points: NDArray[np.float64], level: float) -> float:
    """Return the length of the chord where the first coordinate is `level`."""
    low, high = np.inf, -np.inf
    for i in range(len(points)):
        a, b = points[i - 1], points[i]
        if min(a[0], b[0]) > level or max(a[0], b[0]) < level:
            continue
        run = b[0] - a[0]
        share = (level - a[0]) / run if run != 0 else 0.0
        across = a[1] + share * (b[1] - a[1])
        low, high = min(low, across), max(high, across)
    return high - low


_RECIST = "RECIST 1.1, Eisenhauer et al., 2009, https://doi.org/10.1016/j.ejca.2008.10.026"
_WHO = "WHO criteria, Miller et al., 1981"
DIAMETERS = Group(
    "diameters",
    "Diameters in a slice",
    Cost.MUCH,
    (
        Feature(
            "diameter_in_plane",
            "Longest diameter in a slice",
            "Largest distance between two points of the object in one YX slice. Points are the "
            "midpoints of pixel edges, so a single pixel measures one side length.",
            1,
            source=_RECIST,
        ),
        Feature(
            "diameter_perpendicular",
            "Perpendicular diameter",
            "Longest chord perpendicular to that diameter, within the convex hull of the object in "
            "the same slice.",
            1,
            source=_WHO,
        ),
        Feature(
            "diameter_slice",
            "Slice of the diameters",
            "Z index of the slice with the longest diameter; the first in case of ties.",
            unit="px",
            ndim=(3,),
        ),
    ),
    _diameters,
)
