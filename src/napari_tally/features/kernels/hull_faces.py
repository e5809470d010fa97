"""The faces of a growing convex hull in space: triangles with their adjacent ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined

NONE = -1
# Triangles of an octahedron of points at -z, +z, -y, +y, -x, +x, oriented so that the cross
# product of two edges points outwards.
OCTAHEDRON = np.array(
    [[1, 3, 5], [1, 5, 2], [1, 2, 4], [1, 4, 3], [0, 5, 3], [0, 2, 5], [0, 4, 2], [0, 3, 4]]
)


class Surface(NamedTuple):
    """Triangles of a growing hull, in arrays with room for more.

    Attributes
    ----------
    corners : ndarray of int64, shape (faces, 3)
        Indices of points; the first is `NONE` for an unused face.
    beside : ndarray of int64, shape (faces, 3)
        The face beyond the edge from corner i to corner i + 1.
    plane : ndarray of int64, shape (faces, 4)
        Outward normal, and its dot product with the points of the plane.
    above : ndarray of int64, shape (faces,)
        First of the pending points above the face, or `NONE`.
    seen : ndarray of int64, shape (faces,)
        The last point from which the face was visible.
    after : ndarray of int64, shape (points,)
        The next of the pending points above the same face, or `NONE`.
    edge : ndarray of int64, shape (points,)
        The newest face whose first corner is the point.
    free, queue : ndarray of int64, shape (faces + 1,)
        Stacks of faces, their sizes first: unused ones, and those with points above.
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
def octahedron(points: NDArray[np.int64]) -> Surface:
    """Return the octahedron of the first six points, with room for all."""
    surface = _room(len(points))
    for face in range(8):
        a, b, c = OCTAHEDRON[face]
        set_face(surface, points, face, a, b, c)
    for face in range(8):
        for i in range(3):
            a, b = OCTAHEDRON[face, i], OCTAHEDRON[face, (i + 1) % 3]
            for other in range(8):
                if side_between(surface.corners[other], b, a) != NONE:
                    surface.beside[face, i] = other
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
        push(surface.free, face)
    return surface


@inlined
def push(stack: NDArray[np.int64], value: int) -> None:
    """Push a value on a stack whose first number is its size."""
    stack[0] += 1
    stack[stack[0]] = value


@inlined
def pop(stack: NDArray[np.int64]) -> int:
    """Pop the last value of such a stack."""
    stack[0] -= 1
    value: int = stack[stack[0] + 1]
    return value


@inlined
def side_between(corners: NDArray[np.int64], a: int, b: int) -> int:
    """Return which side of a triangle runs from a to b, or `NONE`."""
    for i in range(3):
        if corners[i] == a and corners[(i + 1) % 3] == b:
            return i
    return NONE


@inlined
def set_face(
    surface: Surface, points: NDArray[np.int64], face: int, a: int, b: int, c: int
) -> None:
    """Set a face of three points and its plane, without its adjacent faces."""
    corners, plane = surface.corners[face], surface.plane[face]
    corners[0], corners[1], corners[2] = a, b, c
    plane[3] = 0
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        plane[i] = (points[b, j] - points[a, j]) * (points[c, k] - points[a, k])
        plane[i] -= (points[b, k] - points[a, k]) * (points[c, j] - points[a, j])
        plane[3] += plane[i] * points[a, i]


@inlined
def height_above(surface: Surface, points: NDArray[np.int64], face: int, p: int) -> int:
    """Return the height of a point above a face, times the length of the face's normal."""
    n = surface.plane[face]
    height: int = n[0] * points[p, 0] + n[1] * points[p, 1] + n[2] * points[p, 2] - n[3]
    return height


@inlined
def in_use(
    surface: Surface,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the corners, adjacent faces and planes of all faces in use."""
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
