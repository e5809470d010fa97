"""Outlines of objects along the edges of their pixels: filled again, they are the same pixels."""

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
# where from there the pixels to the right and to the left of the next step lie.
_STEP_Y, _STEP_X = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
_RIGHT_Y, _RIGHT_X = np.array([0, 0, -1, -1]), np.array([0, -1, -1, 0])
_LEFT_Y, _LEFT_X = np.array([-1, 0, 0, -1]), np.array([0, 0, -1, -1])


@dataclass(frozen=True, slots=True)
class Outline:
    """An object as polygons.

    Attributes
    ----------
    label : int
        The object's id.
    pieces : list of list of ndarray
        One list for each part that hangs together over the edges of its pixels: its outer ring,
        then its holes, each of shape (n, 2) with x, y in px from the image's corner. The first
        point is not repeated. Outer rings run clockwise as shown (y down), holes the other way, and
        no ring touches itself.
    """

    label: int
    pieces: list[list[Ring]]

    @property
    def rings(self) -> list[Ring]:
        """All rings, of which an even number surrounds what does not belong to the object."""
        return [ring for piece in self.pieces for ring in piece]


def outlines(labels: NDArray[Any]) -> list[Outline]:
    """Trace the outline of each object, in the order of their ids.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        One id an object, 0 elsewhere.

    Raises
    ------
    InputError
        If these are no 2D labels.
    """
    import cc3d

    if labels.ndim != 2:
        raise InputError("Labels of one plane (Y, X) are needed for outlines", f"{labels.shape}")
    plane = np.pad(smallest(labels, _UNSIGNED), 1)
    parts = cc3d.connected_components(plane, connectivity=4).astype(np.uint32, copy=False)
    rings, owners = _rings(parts)
    ids = [int(plane[y, x]) for x, y in (ring[-1] for ring in rings)]  # where `_trace` began
    shifted = [ring - 1 for ring in rings]  # of the padding
    order = sorted(range(len(rings)), key=lambda i: (ids[i], owners[i]))
    found = []
    for label, same in groupby(order, key=ids.__getitem__):
        parted = groupby(same, key=owners.__getitem__)
        found.append(Outline(label, [_piece([shifted[i] for i in part]) for _, part in parted]))
    return found


def _rings(parts: NDArray[np.uint32]) -> tuple[list[Ring], list[int]]:
    """Return the rings of all parts, and the number of the part that each belongs to."""
    tops = int(np.count_nonzero((parts[1:] != parts[:-1]) & (parts[1:] > 0)))
    points = np.empty((4 * tops, 2), np.int32)
    starts, owners = np.zeros(tops + 1, np.int64), np.zeros(tops, np.uint32)
    count = _trace(parts, np.zeros(parts.shape, np.bool_), points, starts, owners)
    rings = np.split(points[: starts[count]], starts[1:count]) if count else []
    return rings, owners[:count].tolist()


def _piece(rings: list[Ring]) -> list[Ring]:
    """Return the rings of a part, without contacts with themselves, the outer one first."""
    simple = [loop for ring in rings for loop in _untouching(ring)]
    return simple if len(simple) == 1 else sorted(simple, key=_turn, reverse=True)


def _turn(ring: Ring) -> int:
    """Return twice the area inside: above 0 of an outer ring, below 0 of a hole."""
    x, y = ring.T.astype(np.int64)
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _untouching(ring: Ring) -> Iterator[Ring]:
    """Cut a ring where it touches itself in a vertex: polygons of other programs must not."""
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
    parts: NDArray[np.uint32],
    seen: NDArray[np.bool_],
    points: NDArray[np.int32],
    starts: NDArray[np.int64],
    owners: NDArray[np.uint32],
) -> int:
    """Follow the edges of each part with its pixels to the right; note where the way turns.

    Every ring has a step to the right along the top of a pixel, and is found at the first of
    these; `seen` marks them. Returns the number of rings.
    """
    count, n = 0, 0
    for row in range(1, parts.shape[0] - 1):
        for column in range(1, parts.shape[1] - 1):
            own = parts[row, column]
            if own == 0 or parts[row - 1, column] == own or seen[row, column]:
                continue
            y, x, way = row, column, 0
            while True:
                if way == 0:
                    if seen[y, x]:
                        break
                    seen[y, x] = True
                y, x = y + _STEP_Y[way], x + _STEP_X[way]
                turn = 0
                if parts[y + _RIGHT_Y[way], x + _RIGHT_X[way]] != own:
                    turn = 1
                elif parts[y + _LEFT_Y[way], x + _LEFT_X[way]] == own:
                    turn = 3
                if turn:
                    points[n, 0], points[n, 1] = x, y
                    n += 1
                way = (way + turn) % 4
            owners[count] = own
            count += 1
            starts[count] = n
    return count
