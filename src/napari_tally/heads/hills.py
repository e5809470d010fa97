"""Hills of a height map: number them, find the passes between them, all linear in voxels.

Every voxel climbs to a higher neighbour; those that climb to one top are a hill. There are many
more hills than objects: each head joins them over their passes by what its maps say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled, inlined

_FULL = 0.6  # of the table of pairs
_TOP = np.iinfo(np.uint16).max


@compiled()
def number_hills(up: NDArray[np.int32]) -> int:
    """Replace where each voxel climbs to by the number of its hill; return how many there are."""
    count = 0
    for i in range(up.size):
        if up[i] == i:
            count += 1
            up[i] = -1 - count  # below -1: a top, or a voxel of which the hill is known
    for i in range(up.size):
        top = i
        while up[top] >= 0:
            top = up[top]
        hill, j = up[top], i
        while up[j] >= 0:
            up[j], j = hill, up[j]
    for i in range(up.size):
        up[i] = -1 - up[i]
    return count


def passes_between(
    hill: NDArray[np.int32], level: NDArray[np.uint16], steps: NDArray[np.int64], hills: int
) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Return the hills that touch, highest pass first, each pair as `a * hills + b`; their passes.

    Parameters
    ----------
    hill, level : ndarray, the voxels of a framed array
        The number of each voxel's hill, 0 outside; its height.
    steps : ndarray of int
        From a voxel to its neighbours, see `neighbours.steps_of`.
    hills : int
        One more than the largest number.
    """
    bits = int(6 * hills).bit_length()
    while True:
        keys = np.full(1 << bits, -1, np.int64)
        passes = np.zeros(1 << bits, np.uint16)
        if _touching(hill, level, steps, hills, keys, passes):
            break
        bits += 1
    used = np.flatnonzero(keys >= 0)
    order = used[np.argsort(_TOP - passes[used], kind="stable")]  # radix sort: 16-bit integers
    return keys[order], passes[order]


@compiled()
def _touching(
    hill: NDArray[np.int32],
    level: NDArray[np.uint16],
    steps: NDArray[np.int64],
    hills: int,
    keys: NDArray[np.int64],
    passes: NDArray[np.uint16],
) -> bool:
    """Fill a hash table with the pairs of hills that touch; tell whether it was large enough.

    Within a hill (all voxels that share a face are of it) nobody is on a diagonal who is not met
    from one of these voxels.
    """
    faces = 2 if len(steps) == 2 else 4 if len(steps) == 8 else 6
    used, room = 0, int(_FULL * keys.size)
    for i in range(hill.size):
        a = np.int64(hill[i])
        if a == 0:
            continue
        surrounded = True
        for k in range(len(steps)):
            if k == faces and surrounded:
                break
            b = np.int64(hill[i + steps[k]])
            surrounded &= b == a
            if b > a:
                height = min(level[i], level[i + steps[k]])
                used += _noted(keys, passes, int(a * hills + b), height)
        if used > room:
            return False
    return True


@inlined
def _noted(
    keys: NDArray[np.int64], passes: NDArray[np.uint16], key: int, height: np.uint16
) -> bool:
    """Note the pass between a pair of hills, if it is their highest; tell whether they are new."""
    last = keys.size - 1
    at = ((key * 0x9E3779B97F4A7C1) >> 20) & last
    while keys[at] != key and keys[at] >= 0:
        at = (at + 1) & last
    new: bool = keys[at] < 0
    keys[at] = key
    passes[at] = max(passes[at], height)
    return new


@inlined
def root_of(parent: NDArray[np.int32], i: int) -> int:
    """Return the last parent of a set, and shorten the way to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled()
def numbered(parent: NDArray[np.int32], start: int) -> NDArray[np.int32]:
    """Return the number of each set, from 1 in the order of their first members.

    Members before `start` are no members: they get 0.
    """
    number, found = np.zeros(parent.size, np.int32), 0
    for h in range(start, parent.size):
        top = root_of(parent, h)
        if number[top] == 0:
            found += 1
            number[top] = found
        number[h] = number[top]
    return number
