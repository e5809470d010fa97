"""A heap of voxels by the time of their arrival, for compiled loops.

Python's `heapq`, compiled, takes twice as long: its entries are pairs in a list that grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined

ROOM = 32  # entries that a heap has room for at first, and at least as many as are put in at once
_PLACE = 0xFFFFFFFF


@inlined
def entry(time: float, place: int) -> int:
    """Return an entry: a time from 0 on, rounded to float32, before a place in a flat array."""
    return int(np.float32(time).view(np.int32)) << 32 | int(place)


@inlined
def place_of(entry: int) -> int:
    """Return the place of an entry."""
    return entry & _PLACE


@inlined
def with_room(heap: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the heap, or a copy twice as large if there is not room for `ROOM` more."""
    if count + ROOM <= len(heap):
        return heap
    larger = np.empty(2 * len(heap) + ROOM, np.int64)
    larger[:count] = heap[:count]
    return larger


@inlined
def push(heap: NDArray[np.int64], where: NDArray[np.int32], count: int, new: int) -> int:
    """Put an entry into a heap of `count`, and return how many there are then.

    It takes the place of a later one of the same voxel, which `where` knows the place of.
    """
    at = where[place_of(new)]
    if at < 0:
        at = count
        count += 1
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= new:
            break
        heap[at] = heap[above]
        where[place_of(heap[at])] = at
        at = above
    heap[at] = new
    where[place_of(new)] = at
    return count


@inlined
def pop(heap: NDArray[np.int64], where: NDArray[np.int32], count: int) -> int:
    """Take the least entry out of a heap of `count`, and return it."""
    least: int = heap[0]
    last, at = heap[count - 1], 0
    while True:
        below = 2 * at + 1
        if below >= count - 1:
            break
        below += int(heap[below + 1] < heap[below])  # no branch, which would be guessed wrongly
        if heap[below] >= last:
            break
        heap[at] = heap[below]
        where[place_of(heap[at])] = at
        at = below
    heap[at] = last
    where[place_of(last)] = at
    return least
