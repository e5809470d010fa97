"""Convex hull: solidity and Feret diameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange

from ..declare.feature import Columns, Cost, Feature, Group
from ..kernels import hull_2d, hull_3d, hull_width_3d
from ..kernels.quickhull import convex_hull
from ..kernels.row_extents import rows_in_batches

if TYPE_CHECKING:
    from ..declare.object_data import Objects


def _hull(objects: Objects) -> Columns:
    found = np.empty((len(objects), 3))
    measured = _measure_flat if objects.ndim == 2 else _measure_solid
    moments = objects.moments
    for rows in rows_in_batches(objects.stack, moments.low, moments.high):
        measured(rows.starts, rows.ends, rows.shape, objects.voxel, found[rows.objects])
    count, maximum, minimum = found.T
    return {
        "convex_area" if objects.ndim == 2 else "convex_volume": count * objects.size.prod(),
        "solidity": objects.moments.count / count,
        "feret_max": maximum,
        "feret_min": minimum,
    }


@compiled(parallel=True)
def _measure_flat(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    shape: NDArray[np.int64],
    voxel: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    for i in prange(len(starts)):
        _measure_polygon(ends[starts[i] : starts[i] + shape[i, 1]], voxel, found[i])


@inlined
def _measure_polygon(
    ends: NDArray[np.int64], voxel: NDArray[np.float64], found: NDArray[np.float64]
) -> None:
    """Set the number of pixels in the hull, and its maximum and minimum diameter."""
    corners = hull_2d.polygon(hull_2d.outline(ends))
    found[0] = hull_2d.lattice_points(corners)
    points = corners * (voxel[1:] / 2)
    found[1] = hull_2d.longest(points)[0]
    found[2] = hull_2d.width(points)


@compiled(parallel=True)
def _measure_solid(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    shape: NDArray[np.int64],
    voxel: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    for i in prange(len(starts)):
        depth, height = shape[i, 0], shape[i, 1]
        _measure_polyhedron(ends[starts[i] : starts[i] + depth * height], depth, voxel, found[i])


@inlined
def _measure_polyhedron(
    ends: NDArray[np.int64], depth: int, voxel: NDArray[np.float64], found: NDArray[np.float64]
) -> None:
    """Set the number of voxels in the hull, and its maximum and minimum diameter."""
    points = hull_3d.hull_points(ends, depth)
    triangles, beside, planes = convex_hull(points)
    points, triangles = hull_3d.compact(points, triangles)
    found[0] = hull_3d.lattice_points(points, triangles, planes, depth, len(ends) // depth)
    found[1] = hull_2d.longest(points * (voxel / 2))[0]
    found[2] = hull_width_3d.width(points, triangles, beside, planes, voxel / 2)


_POINTS = "Hull of the midpoints of voxel faces, as in scikit-image"
_COUNT = (
    "{2} of the convex hull: number of {0}s in the hull of the midpoints of {0} {1}, times the "
    "{0} {3}."
)
HULL = Group(
    "hull",
    "Convex hull and Feret diameters",
    Cost.MUCH,
    (
        Feature(
            "convex_area",
            "Convex area",
            _COUNT.format("pixel", "edges", "Area", "area"),
            2,
            ndim=(2,),
            source="As in scikit-image",
        ),
        Feature(
            "convex_volume",
            "Convex volume",
            _COUNT.format("voxel", "faces", "Volume", "volume"),
            3,
            ndim=(3,),
            source="As in scikit-image, but defined for flat objects too",
        ),
        Feature(
            "solidity",
            "Solidity",
            "Ratio of the object's size to that of its convex hull, from 0 to 1.",
            source="As in scikit-image",
        ),
        Feature(
            "feret_max",
            "Maximum Feret diameter",
            "Largest distance between two points of the convex hull. For a single voxel: its side.",
            1,
            source=_POINTS,
        ),
        Feature(
            "feret_min",
            "Minimum Feret diameter",
            "Smallest distance between two parallel lines (planes in 3D) that enclose the convex "
            "hull. For a single voxel: 0.71 times its side in 2D, 0.58 in 3D.",
            1,
            source=_POINTS,
        ),
    ),
    _hull,
)
