"""Convex hull of points in space, exact, by Quickhull.

After Barber, Dobkin & Huhdanpaa, 1996, https://doi.org/10.1145/235815.235821. Coordinates are
whole numbers below 2**19, so that no test is ever rounded: points on a line, in a plane or twice
are no special case, as only what lies strictly above a face is seen from it. A facet of more than
three corners is left as triangles in one plane. The first six points must be the corners of an
octahedron, from which the hull grows; those around one voxel are always at hand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.jit import inlined

NONE = -1
# Triangles of an octahedron of points given as -z, +z, -y, +y, -x, +x. Seen from outside they go
# round in the sense in which the cross product of two edges points outwards.
OCTAHEDRON = np.array(
    [[1, 3, 5], [1, 5, 2], [1, 2, 4], [1, 4, 3], [0, 5, 3], [0, 2, 5], [0, 4, 2], [0, 3, 4]]
)


class Surface(NamedTuple):
    """Triangles of a hull that grows, in arrays with room for more.

    Attributes
    ----------
    corners : ndarray of int64, shape (faces, 3)
        Indices of points; the first is `NONE` where there is no face.
    beside : ndarray of int64, shape (faces, 3)
        The face beyond the edge from corner i to corner i + 1.
    plane : ndarray of int64, shape (faces, 4)
        Normal to the outside, and its product with the points of the plane.
    above : ndarray of int64, shape (faces,)
        First of the points that wait above the face, or `NONE`.
    seen : ndarray of int64, shape (faces,)
        The last point that the face was seen from.
    after : ndarray of int64, shape (points,)
        The next of the points that wait above the same face, or `NONE`.
    edge : ndarray of int64, shape (points,)
        The newest face whose first corner is the point.
    free, queue : ndarray of int64, shape (faces + 1,)
        Stacks of faces, their sizes first: those not in use, and those with points above.
    queued : ndarray of bool, shape (faces,)
        Whether the face is in the queue.
    """

    corners: NDArray[np.int64]
    beside: NDArray[np.int64]
    plane: NDArray[np.int64]
    above: NDArray[np.int64]
    seen: NDArray[np.int64]
    after: NDArray[np.int64]
    edge: NDArray[np.int64]
    free: NDArray[np.int64]
    queue: NDArray[np.int64]
    queued: NDArray[np.bool_]


@inlined
def convex_hull(
    points: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the triangles of the convex hull of points, the first six an octahedron.

    Parameters
    ----------
    points : ndarray of int64, shape (n, 3)

    Returns
    -------
    corners : ndarray of int64, shape (faces, 3)
        Indices of points.
    beside : ndarray of int64, shape (faces, 3)
        The face beyond the edge from corner i to corner i + 1.
    planes : ndarray of int64, shape (faces, 4)
        Normal to the outside, and its product with the points of the plane.
    """
    surface = _octahedron(points)
    cone, stack = np.empty((len(surface.above), 3), np.int64), np.empty_like(surface.free)
    while surface.queue[0] > 0:
        face = _pop(surface.queue)
        surface.queued[face] = False
        if surface.above[face] == NONE:
            continue
        summit = _take_highest(surface, points, face)
        stack[0] = 0
        _push(stack, face)
        edges, waiting = _open(surface, points, summit, stack, cone)
        _close(surface, points, summit, cone[:edges])
        _share_out(surface, points, waiting, cone[:edges, 2])
    return _in_use(surface)


@inlined
def _octahedron(points: NDArray[np.int64]) -> Surface:
    """Return the octahedron, with the points that are outside of it above its faces."""
    n = len(points)
    surface = _room(n)
    for face in range(8):
        a, b, c = OCTAHEDRON[face]
        _set_face(surface, points, face, a, b, c)
    for face in range(8):
        for i in range(3):
            a, b = OCTAHEDRON[face, i], OCTAHEDRON[face, (i + 1) % 3]
            for other in range(8):
                if _side(surface.corners[other], b, a) != NONE:
                    surface.beside[face, i] = other
    for p in range(6, n):
        surface.after[p] = p + 1 if p + 1 < n else NONE
    _share_out(surface, points, 6 if n > 6 else NONE, np.arange(8))
    return surface


@inlined
def _room(n: int) -> Surface:
    """Return arrays for a hull of n points, with the first eight faces about to be set."""
    room = 2 * n  # a closed surface of n corners has 2 n - 4 triangles
    surface = Surface(
        np.full((room, 3), NONE),
        np.empty((room, 3), np.int64),
        np.empty((room, 4), np.int64),
        np.full(room, NONE),
        np.full(room, NONE),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.zeros(room + 1, np.int64),
        np.zeros(room + 1, np.int64),
        np.zeros(room, np.bool_),
    )
    for face in range(room - 1, 7, -1):
        _push(surface.free, face)
    return surface


@inlined
def _push(stack: NDArray[np.int64], value: int) -> None:
    stack[0] += 1
    stack[stack[0]] = value


@inlined
def _pop(stack: NDArray[np.int64]) -> int:
    stack[0] -= 1
    value: int = stack[stack[0] + 1]
    return value


@inlined
def _side(corners: NDArray[np.int64], a: int, b: int) -> int:
    """Return which side of a triangle runs from a to b, or `NONE`."""
    for i in range(3):
        if corners[i] == a and corners[(i + 1) % 3] == b:
            return i
    return NONE


@inlined
def _set_face(
    surface: Surface, points: NDArray[np.int64], face: int, a: int, b: int, c: int
) -> None:
    corners, plane = surface.corners[face], surface.plane[face]
    corners[0], corners[1], corners[2] = a, b, c
    plane[3] = 0
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        plane[i] = (points[b, j] - points[a, j]) * (points[c, k] - points[a, k])
        plane[i] -= (points[b, k] - points[a, k]) * (points[c, j] - points[a, j])
        plane[3] += plane[i] * points[a, i]


@inlined
def _height(surface: Surface, points: NDArray[np.int64], face: int, p: int) -> int:
    """Return how far a point is above a face, in lengths of the face's normal."""
    n = surface.plane[face]
    height: int = n[0] * points[p, 0] + n[1] * points[p, 1] + n[2] * points[p, 2] - n[3]
    return height


@inlined
def _take_highest(surface: Surface, points: NDArray[np.int64], face: int) -> int:
    """Return the point that is highest above a face, and take it off the face's list."""
    after = surface.after
    before, summit, best = NONE, NONE, 0
    last, p = NONE, surface.above[face]
    while p != NONE:
        height = _height(surface, points, face, p)
        if height > best:
            before, summit, best = last, p, height
        last, p = p, after[p]
    if before == NONE:
        surface.above[face] = after[summit]
    else:
        after[before] = after[summit]
    return summit


@inlined
def _open(
    surface: Surface,
    points: NDArray[np.int64],
    summit: int,
    stack: NDArray[np.int64],
    cone: NDArray[np.int64],
) -> tuple[int, int]:
    """Take out all faces that are seen from the summit, beginning with the one on the stack.

    Each row of `cone` becomes an edge of the opening: its two corners, and the face beyond it.

    Returns
    -------
    edges : int
        How many there are.
    waiting : int
        First of the points that were above the faces taken out, or `NONE`.
    """
    edges, waiting = 0, NONE
    surface.seen[stack[1]] = summit
    while stack[0] > 0:
        face = _pop(stack)
        for i in range(3):
            other = surface.beside[face, i]
            if surface.seen[other] == summit:
                continue
            if _height(surface, points, other, summit) > 0:
                surface.seen[other] = summit
                _push(stack, other)
            else:
                cone[edges, 0] = surface.corners[face, i]
                cone[edges, 1] = surface.corners[face, (i + 1) % 3]
                cone[edges, 2] = other
                edges += 1
        p = surface.above[face]
        while p != NONE:
            surface.after[p], waiting, p = waiting, p, surface.after[p]
        surface.above[face], surface.corners[face, 0] = NONE, NONE
        _push(surface.free, face)
    return edges, waiting


@inlined
def _close(
    surface: Surface, points: NDArray[np.int64], summit: int, cone: NDArray[np.int64]
) -> None:
    """Close the opening with a face from each of its edges to the summit.

    In `cone` the face beyond an edge gives way to the new one.
    """
    for i in range(len(cone)):
        a, b, beyond = cone[i]
        face = _pop(surface.free)
        _set_face(surface, points, face, a, b, summit)
        surface.beside[face, 0] = beyond
        surface.beside[beyond, _side(surface.corners[beyond], b, a)] = face
        surface.edge[a] = face
        cone[i, 2] = face
    for i in range(len(cone)):
        face, following = cone[i, 2], surface.edge[cone[i, 1]]
        surface.beside[face, 1] = following
        surface.beside[following, 2] = face


@inlined
def _share_out(
    surface: Surface, points: NDArray[np.int64], waiting: int, faces: NDArray[np.int64]
) -> None:
    """Put each point of a list above the first face that it sees; drop those that see none."""
    p = waiting
    while p != NONE:
        following = surface.after[p]
        for face in faces:
            if _height(surface, points, face, p) > 0:
                surface.after[p] = surface.above[face]
                surface.above[face] = p
                if not surface.queued[face]:
                    surface.queued[face] = True
                    _push(surface.queue, face)
                break
        p = following


@inlined
def _in_use(
    surface: Surface,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return corners, faces beside and planes of the faces that there are."""
    number, n = np.empty(len(surface.above), np.int64), 0
    for face in range(len(number)):
        number[face] = n
        n += surface.corners[face, 0] != NONE
    corners, beside = np.empty((n, 3), np.int64), np.empty((n, 3), np.int64)
    planes = np.empty((n, 4), np.int64)
    for face in range(len(number)):
        if surface.corners[face, 0] == NONE:
            continue
        for i in range(3):
            corners[number[face], i] = surface.corners[face, i]
            beside[number[face], i] = number[surface.beside[face, i]]
        for i in range(4):
            planes[number[face], i] = surface.plane[face, i]
    return corners, beside, planes
