"""Outlines of objects along pixel edges: filling them gives the same pixels again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.jit import compiled
from .formats.label_dtype import smallest

if TYPE_CHECKING:
    from collections.abc import Iterator

    Ring = NDArray[np.int32]

_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
# For a step to the right, down, left and up that ends in the vertex (y, x): the step itself, and
# where from there the pixels to the right and to the left of the next step are.
_STEP_Y, _STEP_X = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
_RIGHT_Y, _RIGHT_X = np.array([0, 0, -1, -1]), np.array([0, -1, -1, 0])
_LEFT_Y, _LEFT_X = np.array([-1, 0, 0, -1]), np.array([0, 0, -1, -1])


@dataclass(frozen=True, slots=True)
class Outline:
    """The polygons of an object.

    Attributes
    ----------
    label : int
        The object's id.
    polygons : list of list of ndarray
        One list for each (4-)connected component: its outer ring, then its holes, each of shape
        (n, 2) with x, y in px from the image's corner. The first point is not repeated. Outer rings
        run clockwise on screen (y down), holes counter-clockwise, and no ring touches itself.
    """

    label: int
    polygons: list[list[Ring]]

    @property
    def rings(self) -> list[Ring]:
        """All rings; the object is inside of an odd number of them."""
        return [ring for polygon in self.polygons for ring in polygon]


def outlines(labels: NDArray[Any]) -> list[Outline]:
    """Trace the outline of each object, in the order of their ids.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        One id per object, 0 elsewhere.

    Raises
    ------
    InputError
        If the labels are not 2D.
    """
    import cc3d

    if labels.ndim != 2:
        raise InputError(f"Outlines need 2D labels (Y, X), not labels of shape {labels.shape}")
    plane = np.pad(smallest(labels, _UNSIGNED), 1)
    components = cc3d.connected_components(plane, connectivity=4).astype(np.uint32, copy=False)
    rings, owners = _rings(components)
    ids = [int(plane[y, x]) for x, y in (ring[-1] for ring in rings)]  # where `_trace` began
    shifted = [ring - 1 for ring in rings]  # of the padding
    order = sorted(range(len(rings)), key=lambda i: (ids[i], owners[i]))
    found = []
    for label, same in groupby(order, key=ids.__getitem__):
        split = groupby(same, key=owners.__getitem__)
        found.append(Outline(label, [_polygon([shifted[i] for i in part]) for _, part in split]))
    return found


def _rings(components: NDArray[np.uint32]) -> tuple[list[Ring], list[int]]:
    """Return the rings of all components, and the component of each."""
    tops = int(np.count_nonzero((components[1:] != components[:-1]) & (components[1:] > 0)))
    points = np.empty((4 * tops, 2), np.int32)
    starts, owners = np.zeros(tops + 1, np.int64), np.zeros(tops, np.uint32)
    visited = np.zeros(components.shape, np.bool_)
    count = _trace(components, visited, points, starts, owners)
    rings = np.split(points[: starts[count]], starts[1:count]) if count else []
    return rings, owners[:count].tolist()


def _polygon(rings: list[Ring]) -> list[Ring]:
    """Return the rings of a component, none touching itself, the outer one first."""
    simple = [loop for ring in rings for loop in _simple(ring)]
    return simple if len(simple) == 1 else sorted(simple, key=_signed_area, reverse=True)


def _signed_area(ring: Ring) -> int:
    """Return twice the area inside: positive for an outer ring, negative for a hole."""
    x, y = ring.T.astype(np.int64)
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _simple(ring: Ring) -> Iterator[Ring]:
    """Split a ring where it touches itself: other programs expect simple polygons."""
    points = [tuple(point) for point in ring.tolist()]
    if len(set(points)) == len(points):
        yield ring
        return
    path: list[tuple[int, ...]] = []
    place: dict[tuple[int, ...], int] = {}
    for point in points:
        start = place.get(point, len(path))
        if start < len(path):
            yield np.array(path[start:], np.int32)
            for left in path[start:]:
                del place[left]
            del path[start:]
        place[point] = start
        path.append(point)
    yield np.array(path, np.int32)


@compiled()
def _trace(
    components: NDArray[np.uint32],
    visited: NDArray[np.bool_],
    points: NDArray[np.int32],
    starts: NDArray[np.int64],
    owners: NDArray[np.uint32],
) -> int:
    """Follow the edges of each component with its pixels to the right; note each turn.

    Every ring has a step to the right along the top of a pixel, and is traced from the first of
    these; `visited` marks them. Returns the number of rings.
    """
    count, n = 0, 0
    for row in range(1, components.shape[0] - 1):
        for column in range(1, components.shape[1] - 1):
            own = components[row, column]
            if own == 0 or components[row - 1, column] == own or visited[row, column]:
                continue
            y, x, heading = row, column, 0
            while True:
                if heading == 0:
                    if visited[y, x]:
                        break
                    visited[y, x] = True
                y, x = y + _STEP_Y[heading], x + _STEP_X[heading]
                turn = 0
                if components[y + _RIGHT_Y[heading], x + _RIGHT_X[heading]] != own:
                    turn = 1
                elif components[y + _LEFT_Y[heading], x + _LEFT_X[heading]] == own:
                    turn = 3
                if turn:
                    points[n, 0], points[n, 1] = x, y
                    n += 1
                heading = (heading + turn) % 4
            owners[count] = own
            count += 1
            starts[count] = n
    return count
