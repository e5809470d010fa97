"""Convex hulls of voxels in space, in integer arithmetic.

As in 2D, the points of a hull are the midpoints of the voxels' faces, and coordinates are doubled:
voxel i has its centre at 2 i + 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined
from .hull_2d import NOWHERE, centres, crossing, outline, polygon
from .row_extents import EMPTY


@inlined
def hull_points(ends: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """Return points with the same hull as an object, shape (n, 3).

    In each plane these are the corners of the hull of the midpoints of its voxels' sides; halfway
    to the adjacent planes, those of the hull of its voxels' centres.

    Parameters
    ----------
    ends : ndarray of int64, shape (depth * height, 2)
        First and last voxel of each row.
    depth : int

    Returns
    -------
    ndarray of int64
        Doubled (z, y, x); the first six are the octahedron around one voxel.
    """
    height = len(ends) // depth
    points = np.empty((6 + depth * 6 * (2 * height + 1), 3), np.int64)
    n = 6
    for z in range(depth):
        plane = ends[z * height : (z + 1) * height]
        n = _put(points, n, 2 * z + 1, polygon(outline(plane)))
        core = polygon(centres(plane))
        n = _put(points, _put(points, n, 2 * z, core), 2 * z + 2, core)
    _put_octahedron(points, ends)
    return points[:n]


@inlined
def _put(points: NDArray[np.int64], n: int, z: int, corners: NDArray[np.int64]) -> int:
    """Append corners of a polygon at the height z; return the new number of points."""
    for i in range(len(corners)):
        points[n + i, 0], points[n + i, 1], points[n + i, 2] = z, corners[i, 0], corners[i, 1]
    return n + len(corners)


@inlined
def _put_octahedron(points: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    """Set the first six points: those around the first voxel, which is in the first plane."""
    y = 0
    while ends[y, 1] == EMPTY:
        y += 1
    for i in range(6):
        points[i, 0], points[i, 1], points[i, 2] = 1, 2 * y + 1, 2 * ends[y, 0] + 1
        points[i, i // 2] += 2 * (i % 2) - 1


@inlined
def lattice_points(
    points: NDArray[np.int64],
    corners: NDArray[np.int64],
    planes: NDArray[np.int64],
    depth: int,
    height: int,
) -> int:
    """Return the number of voxels with their centre in the hull or on it.

    Rows of voxels run along x; each triangle bounds the rows that pass through it.
    """
    low = np.full((depth, height), NOWHERE[1])
    high = np.full((depth, height), NOWHERE[0])
    for face in range(len(corners)):
        if planes[face, 2] != 0:
            _bound(points, corners[face], planes[face], low, high)
    total = 0
    for z in range(depth):
        for y in range(height):
            if low[z, y] > NOWHERE[1]:  # odd numbers from the first to the last
                total += max((high[z, y] + 1) // 2 - low[z, y] // 2, 0)
    return total


@inlined
def _bound(
    points: NDArray[np.int64],
    corners: NDArray[np.int64],
    plane: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> None:
    """Bound the x of the rows that pass through a triangle by the triangle's plane."""
    nz, ny, nx, product = plane
    a, b, c = points[corners[0]], points[corners[1]], points[corners[2]]
    for z in range(min(a[0], b[0], c[0]) | 1, max(a[0], b[0], c[0]) + 1, 2):
        (l1, h1), (l2, h2), (l3, h3) = crossing(a, b, z), crossing(b, c, z), crossing(c, a, z)
        for y in range(min(l1, l2, l3) | 1, max(h1, h2, h3) + 1, 2):
            rest = product - nz * z - ny * y
            if nx > 0:
                high[z // 2, y // 2] = min(high[z // 2, y // 2], rest // nx)
            else:
                low[z // 2, y // 2] = max(low[z // 2, y // 2], -(rest // -nx))


@inlined
def compact(
    points: NDArray[np.int64], corners: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the points that are corners, and the corners of triangles as their indices."""
    number, n = np.full(len(points), -1), 0
    used, renumbered = np.empty_like(points), np.empty_like(corners)
    for face in range(len(corners)):
        for i in range(3):
            p = corners[face, i]
            if number[p] < 0:
                number[p] = n
                for k in range(3):
                    used[n, k] = points[p, k]
                n += 1
            renumbered[face, i] = number[p]
    return used[:n], renumbered
