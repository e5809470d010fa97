"""Hills of a height map: number them, find the passes between them, all linear in voxels.

Every voxel climbs to a higher neighbour; those that climb to one top are a hill. There are many
more hills than objects: each head joins them over their passes by what its maps say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .padded_neighbours import faces_of

# isort: split
from numba import prange  # after `jit`, which configures numba

_SLABS = 8  # of voxels, whatever the number of threads: so results do not depend on it
_LEAST_BITS = 10
_PAIRS = 16  # slots of the tables for each hill: in noisy maps it touches six others
_FULL = 0.6  # of the table of pairs
_RECENT = 4096  # pairs that are looked up without the table, which no cache of a processor holds
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

    A pair may come again, with a lower pass.

    Parameters
    ----------
    hill, level : ndarray, the voxels of a framed array
        The number of each voxel's hill, 0 outside; its height.
    steps : ndarray of int
        From a voxel to its neighbours, see `neighbours.steps_of`.
    hills : int
        One more than the largest number.
    """
    bits = max(_LEAST_BITS, int(_PAIRS * hills / _SLABS).bit_length())
    while True:
        keys = np.full((_SLABS, 1 << bits), -1, np.int64)
        passes = np.zeros(keys.shape, np.uint16)
        fits = np.zeros(_SLABS, np.bool_)
        _touching(hill, level, steps, hills, keys, passes, fits)
        if fits.all():
            break
        bits += 1
    used = np.flatnonzero(keys.ravel() >= 0)
    found, heights = keys.ravel()[used], passes.ravel()[used]
    order = np.argsort(_TOP - heights, kind="stable")  # radix sort: 16-bit integers
    return found[order], heights[order]


@compiled(parallel=True)
def _touching(
    hill: NDArray[np.int32],
    level: NDArray[np.uint16],
    steps: NDArray[np.int64],
    hills: int,
    keys: NDArray[np.int64],
    passes: NDArray[np.uint16],
    fits: NDArray[np.bool_],
) -> None:
    """Fill a hash table for each slab of voxels; tell of each whether it was large enough."""
    slabs = len(keys)
    for s in prange(slabs):
        part = (s * hill.size // slabs, (s + 1) * hill.size // slabs)
        fits[s] = _touching_in(hill, level, steps, hills, part, keys[s], passes[s])


@inlined
def _touching_in(
    hill: NDArray[np.int32],
    level: NDArray[np.uint16],
    steps: NDArray[np.int64],
    hills: int,
    part: tuple[int, int],
    keys: NDArray[np.int64],
    passes: NDArray[np.uint16],
) -> bool:
    """Note the pairs of hills that touch in a part of the voxels; tell whether there was room.

    Of two voxels the first one looks at the other. Within a hill (all voxels that share a face are
    of it) nobody is on a diagonal who is not met from one of these voxels.
    """
    faces = faces_of(steps)
    ahead = steps[steps > 0]
    used, room = 0, int(_FULL * keys.size)
    recent = np.full(_RECENT, -1, np.int64)  # pairs that were met a moment ago, and their passes
    known = np.zeros(_RECENT, np.uint16)
    for i in range(part[0], part[1]):
        a = np.int64(hill[i])
        if a == 0:
            continue
        surrounded = True
        for k in range(faces):
            surrounded &= hill[i + steps[k]] == a
        if surrounded:
            continue
        for step in ahead:
            b = np.int64(hill[i + step])
            if b != a and b > 0:
                key = min(a, b) * hills + max(a, b)
                height = min(level[i], level[i + step])
                place = key % _RECENT
                if recent[place] == key and known[place] >= height:
                    continue
                at = _slot(keys, int(key))
                used += keys[at] < 0
                keys[at] = key
                passes[at] = max(passes[at], height)
                recent[place], known[place] = key, passes[at]
        if used > room:
            return False
    return True


@inlined
def _slot(keys: NDArray[np.int64], key: int) -> int:
    """Return where in a hash table a key is, or is to be put."""
    last = keys.size - 1
    at = ((key * 0x9E3779B97F4A7C1) >> 20) & last
    while keys[at] != key and keys[at] >= 0:
        at = (at + 1) & last
    return at


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
