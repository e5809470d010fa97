"""The minimum width of a convex polyhedron: the distance of two parallel planes that enclose it.

Either one plane contains a face, or each contains an edge (Houle & Toussaint, 1988,
https://doi.org/10.1109/34.6790). Across an edge, from face to face, the normal moves along an arc
while the opposite point is tracked from corner to corner, so only opposite edges are compared.
Heights are integers, so none is missed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined


@inlined
def width(
    points: NDArray[np.int64],
    corners: NDArray[np.int64],
    beside: NDArray[np.int64],
    planes: NDArray[np.int64],
    spacing: NDArray[np.float64],
) -> float:
    """Return the minimum distance of two parallel planes that enclose a convex polyhedron.

    Parameters
    ----------
    points : ndarray of int64, shape (n, 3)
        Its corners, each of which belongs to a face.
    corners, beside, planes : ndarray of int64, shape (faces, 3), (faces, 3) and (faces, 4)
        Its triangles, as `convex_hull` returns them.
    spacing : ndarray of float64, shape (3,)
        Length of one step of the points' coordinates along each axis.
    """
    starts, neighbours = _neighbours(corners, len(points))
    best, first = np.inf, _first(points)
    for face in range(len(corners)):
        normal = planes[face]
        opposite = _lowest(points, starts, neighbours, normal, first)
        height = normal[3] - _product(normal, points[opposite])
        best = min(best, height / _length(normal, normal, 0.0, spacing))
        for i in range(3):
            if beside[face, i] > face:
                following_normal = planes[beside[face, i]]
                found = _narrowest(
                    points, starts, neighbours, normal, following_normal, opposite, spacing
                )
                best = min(best, found)
    return best


@inlined
def _neighbours(corners: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the neighbours of each point: where its list starts, and the lists."""
    starts = np.zeros(n + 1, np.int64)
    for face in range(len(corners)):
        for i in range(3):
            starts[corners[face, i] + 1] += 1
    starts = np.cumsum(starts)
    filled = starts.copy()
    neighbours = np.empty(starts[n], np.int64)
    for face in range(len(corners)):
        for i in range(3):
            a = corners[face, i]
            neighbours[filled[a]] = corners[face, (i + 1) % 3]
            filled[a] += 1
    return starts, neighbours


@inlined
def _first(points: NDArray[np.int64]) -> int:
    """Return the first point by z, then y, then x, which is never within an edge or a facet."""
    first = 0
    for p in range(1, len(points)):
        for k in range(3):
            if points[p, k] != points[first, k]:
                if points[p, k] < points[first, k]:
                    first = p
                break
    return first


@inlined
def _product(normal: NDArray[np.int64], point: NDArray[np.int64]) -> int:
    product: int = normal[0] * point[0] + normal[1] * point[1] + normal[2] * point[2]
    return product


@inlined
def _length(
    a: NDArray[np.int64], b: NDArray[np.int64], share: float, spacing: NDArray[np.float64]
) -> float:
    """Return the length of the normal between a and b, in physical space."""
    square = 0.0
    for i in range(3):
        square += (((1 - share) * a[i] + share * b[i]) / spacing[i]) ** 2
    length: float = np.sqrt(square)
    return length


@inlined
def _lowest(
    points: NDArray[np.int64],
    starts: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    normal: NDArray[np.int64],
    start: int,
) -> int:
    """Return the lowest point along a normal, by descent from the start.

    The start must not be within a facet, which may be level all around at the top.
    """
    here, best = start, _product(normal, points[start])
    moved = True
    while moved:
        moved = False
        for i in range(starts[here], starts[here + 1]):
            height = _product(normal, points[neighbours[i]])
            if height < best:
                here, best, moved = neighbours[i], height, True
                break
    return here


@inlined
def _narrowest(
    points: NDArray[np.int64],
    starts: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    here: int,
    spacing: NDArray[np.float64],
) -> float:
    """Return the minimum width at the normals between a and b with an edge opposite.

    `here` is a lowest point along a. As the normal rotates towards b, a neighbour becomes as low as
    the lowest point at the fraction t, and replaces it.
    """
    best = np.inf
    while True:
        following, share, steepest = -1, 1.0, 0
        height_a, height_b = _product(a, points[here]), _product(b, points[here])
        for i in range(starts[here], starts[here + 1]):
            other = points[neighbours[i]]
            before, then = _product(a, other) - height_a, _product(b, other) - height_b
            if then >= 0 or then >= before:
                continue
            t = before / (before - then)
            if t < share or (t == share and before - then > steepest):
                following, share, steepest = neighbours[i], t, before - then
        if following < 0:
            return best
        height = (1 - share) * (a[3] - height_a) + share * (b[3] - height_b)
        best = min(best, height / _length(a, b, share, spacing))
        here = following
