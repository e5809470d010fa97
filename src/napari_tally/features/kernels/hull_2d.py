"""Convex hulls of pixels in a plane, in integer arithmetic.

The points of a hull are the midpoints of the pixels' edges, as in scikit-image. Coordinates are
doubled, which makes them integers and the hull exact: pixel i has its centre at 2 i + 1 and its
edges at 2 i and 2 i + 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined
from .row_extents import EMPTY

NOWHERE = (2**62, -(2**62))  # a range without numbers, for minimum and maximum


@inlined
def outline(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the minimum and maximum x of edge midpoints at each doubled y, shape (2 h + 1, 2).

    Without a midpoint, the first is larger than the second.
    """
    sides = _no_sides(2 * len(ends) + 1)
    for y in range(len(ends)):
        first, last = 2 * ends[y, 0] + 1, 2 * ends[y, 1] + 1
        if ends[y, 1] == EMPTY:
            continue
        above = 2 * y
        if sides[above, 0] > sides[above, 1]:
            sides[above, 0], sides[above, 1] = first, last
        sides[above, 0] = min(sides[above, 0], first)
        sides[above, 1] = max(sides[above, 1], last)
        sides[above + 1, 0], sides[above + 1, 1] = first - 1, last + 1
        sides[above + 2, 0], sides[above + 2, 1] = first, last
    return sides


@inlined
def _no_sides(n: int) -> NDArray[np.int64]:
    sides = np.zeros((n, 2), np.int64)
    for y in range(n):
        sides[y, 0] = 1
    return sides


@inlined
def centres(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the same for the pixels' centres; there are none at even y."""
    sides = _no_sides(2 * len(ends) + 1)
    for y in range(len(ends)):
        if ends[y, 1] != EMPTY:
            sides[2 * y + 1, 0], sides[2 * y + 1, 1] = 2 * ends[y, 0] + 1, 2 * ends[y, 1] + 1
    return sides


@inlined
def polygon(sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the corners of the convex hull as (y, x), in order, shape (corners, 2).

    By the monotone chain of Andrew (1979), https://doi.org/10.1016/0020-0190(79)90072-3. Points and
    lines have one or two corners.
    """
    corners, right = np.empty((2 * len(sides), 2), np.int64), np.empty_like(sides)
    n, m = _chain(sides, 0, corners), _chain(sides, 1, right)
    last = n - 1
    for i in range(m - 1, -1, -1):  # both start and end at the same y
        if (i > 0 or right[i, 1] != corners[0, 1]) and (
            i < m - 1 or right[i, 1] != corners[last, 1]
        ):
            corners[n, 0], corners[n, 1] = right[i]
            n += 1
    return corners[:n]


@inlined
def _chain(sides: NDArray[np.int64], side: int, corners: NDArray[np.int64]) -> int:
    """Write the corners of the left (0) or right (1) side by increasing y; return their number."""
    sign = 1 - 2 * side
    n = 0
    for y in range(len(sides)):
        if sides[y, 0] > sides[y, 1]:
            continue
        x = sides[y, side]
        while n > 1:
            y1, x1 = corners[n - 1]
            y0, x0 = corners[n - 2]
            if sign * ((x1 - x0) * (y - y1) - (x - x1) * (y1 - y0)) < 0:
                break
            n -= 1
        corners[n, 0], corners[n, 1] = y, x
        n += 1
    return n


@inlined
def crossing(a: NDArray[np.int64], b: NDArray[np.int64], level: int) -> tuple[int, int]:
    """Return where the line segment from `a` to `b` has the first coordinate `level`.

    Returns
    -------
    low, high : int
        The second coordinate there, rounded up and rounded down; the ends of a segment along the
        level; `NOWHERE` if the segment does not reach it.
    """
    if min(a[0], b[0]) > level or max(a[0], b[0]) < level:
        return NOWHERE
    run = b[0] - a[0]
    if run == 0:
        return min(a[1], b[1]), max(a[1], b[1])
    rise = (b[1] - a[1]) * (level - a[0])
    return a[1] - (-rise // run), a[1] + rise // run


@inlined
def lattice_points(corners: NDArray[np.int64]) -> int:
    """Return the number of pixels with their centre in a polygon or on it."""
    total = 0
    for level in range(corners[:, 0].min() | 1, corners[:, 0].max() + 1, 2):
        low, high = NOWHERE
        for i in range(len(corners)):
            up, down = crossing(corners[i - 1], corners[i], level)
            low, high = min(low, up), max(high, down)
        total += max((high + 1) // 2 - low // 2, 0)  # odd numbers from low to high
    return total


@inlined
def longest(points: NDArray[np.float64]) -> tuple[float, int, int]:
    """Return the largest distance of two points, and their indices."""
    best, first, second = -1.0, 0, 0
    for i in range(len(points)):
        for j in range(i):
            square = 0.0
            for k in range(points.shape[1]):
                square += (points[i, k] - points[j, k]) ** 2
            if square > best:
                best, first, second = square, j, i
    return np.sqrt(max(best, 0.0)), first, second


@inlined
def width(points: NDArray[np.float64]) -> float:
    """Return the minimum distance of two parallel lines that enclose a convex polygon.

    One of them is along an edge (Shamos, 1978).
    """
    best = np.inf
    for i in range(len(points)):
        dy, dx = points[i, 0] - points[i - 1, 0], points[i, 1] - points[i - 1, 1]
        length = np.sqrt(dy * dy + dx * dx)
        far = 0.0
        for j in range(len(points)):
            across = (points[j, 0] - points[i, 0]) * dx - (points[j, 1] - points[i, 1]) * dy
            far = max(far, abs(across))
        best = min(best, far / length)
    return best
