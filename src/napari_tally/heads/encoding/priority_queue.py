"""A heap of voxels ordered by arrival time, for compiled loops.

Compiled `heapq` takes twice as long: its entries are pairs in a growing list.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import inlined

ROOM = 32  # initial capacity, and the maximum number of entries pushed at once
_PLACE = 0xFFFFFFFF


@inlined
def entry(time: float, place: int) -> int:
    """Pack a time (not negative, as float32) and an index in a flat array into an entry."""
    return int(np.float32(time).view(np.int32)) << 32 | int(place)


@inlined
def place_of(entry: int) -> int:
    """Return the index in an entry."""
    return entry & _PLACE


@inlined
def with_room(heap: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the heap, or a copy twice as large without room for `ROOM` more entries."""
    if count + ROOM <= len(heap):
        return heap
    larger = np.empty(2 * len(heap) + ROOM, np.int64)
    larger[:count] = heap[:count]
    return larger


@inlined
def push(heap: NDArray[np.int64], where: NDArray[np.int32], count: int, new: int) -> int:
    """Push an entry into a heap of `count` entries, and return the new count.

    It replaces a later entry of the same voxel, whose position is in `where`.
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
    """Pop and return the smallest entry of a heap of `count` entries."""
    least: int = heap[0]
    last, at = heap[count - 1], 0
    while True:
        below = 2 * at + 1
        if below >= count - 1:
            break
        below += int(heap[below + 1] < heap[below])  # without a branch, which would be mispredicted
        if heap[below] >= last:
            break
        heap[at] = heap[below]
        where[place_of(heap[at])] = at
        at = below
    heap[at] = last
    where[place_of(last)] = at
    return least
