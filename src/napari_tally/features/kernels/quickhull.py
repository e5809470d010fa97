"""Convex hull of points in space, exact, by Quickhull.

After Barber, Dobkin & Huhdanpaa, 1996, https://doi.org/10.1145/235815.235821. Coordinates are
integers below 2**19, so tests are exact: collinear, coplanar and duplicate points are no special
cases, as only points strictly above a face see it. A facet with more than three corners remains
several triangles in one plane. The first six points must be the corners of an octahedron, from
which the hull grows; those around one voxel always exist.

On one core it is 5.1 times as fast as `scipy.spatial.ConvexHull` on 5,488 objects of 393 points and
3.8 times on 32 objects of 12,270 points (benchmarks/own_or_library.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined
from .hull_faces import (
    NONE,
    Surface,
    height_above,
    in_use,
    octahedron,
    pop,
    push,
    set_face,
    side_between,
)


@inlined
def convex_hull(
    points: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the triangles of the convex hull of points; the first six form an octahedron.

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
        Outward normal, and its dot product with the points of the plane.
    """
    surface = octahedron(points)
    for p in range(6, len(points)):
        surface.after[p] = p + 1 if p + 1 < len(points) else NONE
    _distribute(surface, points, 6 if len(points) > 6 else NONE, np.arange(8))
    cone, stack = np.empty((len(surface.above), 3), np.int64), np.empty_like(surface.free)
    while surface.queue[0] > 0:
        face = pop(surface.queue)
        surface.queued[face] = False
        if surface.above[face] == NONE:
            continue
        summit = _take_highest(surface, points, face)
        stack[0] = 0
        push(stack, face)
        edges, waiting = _open(surface, points, summit, stack, cone)
        _close(surface, points, summit, cone[:edges])
        _distribute(surface, points, waiting, cone[:edges, 2])
    return in_use(surface)


@inlined
def _take_highest(surface: Surface, points: NDArray[np.int64], face: int) -> int:
    """Remove the highest point above a face from its list, and return it."""
    after = surface.after
    before, summit, best = NONE, NONE, 0
    last, p = NONE, surface.above[face]
    while p != NONE:
        height = height_above(surface, points, face, p)
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
    """Remove all faces visible from the summit, starting with the one on the stack.

    Each row of `cone` becomes an edge of the opening: its two corners, and the face beyond it.

    Returns
    -------
    edges : int
        The number of edges.
    waiting : int
        First of the points that were above the removed faces, or `NONE`.
    """
    edges, waiting = 0, NONE
    surface.seen[stack[1]] = summit
    while stack[0] > 0:
        face = pop(stack)
        for i in range(3):
            other = surface.beside[face, i]
            if surface.seen[other] == summit:
                continue
            if height_above(surface, points, other, summit) > 0:
                surface.seen[other] = summit
                push(stack, other)
            else:
                cone[edges, 0] = surface.corners[face, i]
                cone[edges, 1] = surface.corners[face, (i + 1) % 3]
                cone[edges, 2] = other
                edges += 1
        p = surface.above[face]
        while p != NONE:
            surface.after[p], waiting, p = waiting, p, surface.after[p]
        surface.above[face], surface.corners[face, 0] = NONE, NONE
        push(surface.free, face)
    return edges, waiting


@inlined
def _close(
    surface: Surface, points: NDArray[np.int64], summit: int, cone: NDArray[np.int64]
) -> None:
    """Close the opening with a face from each of its edges to the summit.

    In `cone` the new face replaces the one beyond the edge.
    """
    for i in range(len(cone)):
        a, b, beyond = cone[i]
        face = pop(surface.free)
        set_face(surface, points, face, a, b, summit)
        surface.beside[face, 0] = beyond
        surface.beside[beyond, side_between(surface.corners[beyond], b, a)] = face
        surface.edge[a] = face
        cone[i, 2] = face
    for i in range(len(cone)):
        face, following = cone[i, 2], surface.edge[cone[i, 1]]
        surface.beside[face, 1] = following
        surface.beside[following, 2] = face


@inlined
def _distribute(
    surface: Surface, points: NDArray[np.int64], waiting: int, faces: NDArray[np.int64]
) -> None:
    """Assign each point of a list to the first face that it is above; drop points inside."""
    p = waiting
    while p != NONE:
        following = surface.after[p]
        for face in faces:
            if height_above(surface, points, face, p) > 0:
                surface.after[p] = surface.above[face]
                surface.above[face] = p
                if not surface.queued[face]:
                    surface.queued[face] = True
                    push(surface.queue, face)
                break
        p = following
