"""Number the hills of a height map and find the passes between them, in linear time.

Every voxel climbs to a higher neighbour; voxels that reach the same top form a hill. There are many
more hills than objects; each head merges them over their passes by its own criterion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from .padded_neighbours import faces_of

# isort: split
from numba import prange  # after `jit`, which configures numba

_SLABS = 8  # fixed, so that results do not depend on the number of threads
_LEAST_BITS = 10
_PAIRS = 16  # table slots per hill, which touches about six others in noisy maps
_FULL = 0.6  # maximum load of the hash table of pairs
_RECENT = 4096  # pairs in a small table that fits the processor's cache
_TOP = np.iinfo(np.uint16).max


@compiled()
def number_hills(up: NDArray[np.int32]) -> int:
    """Replace the neighbour to which each voxel climbs by its hill; return the number of hills."""
    count = 0
    for i in range(up.size):
        if up[i] == i:
            count += 1
            up[i] = -1 - count  # below -1: a top, or a voxel whose hill is known
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
    """Return pairs of touching hills as `a * hills + b`, and their passes, highest first.

    A pair may be repeated with a lower pass.

    Parameters
    ----------
    hill, level : ndarray, the voxels of a padded array
        The hill of each voxel, 0 outside; its height.
    steps : ndarray of int
        From a voxel to its neighbours, see `padded_neighbours.steps_of`.
    hills : int
        The largest hill number plus 1.
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
    """Fill a hash table for each slab of voxels; note whether each was large enough."""
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
    """Note the pairs of touching hills in a part of the voxels; return whether there was room.

    Each pair of voxels is compared from the first one. A voxel whose face neighbours are all in its
    hill is skipped: these neighbours find any other hill on its diagonals.
    """
    faces = faces_of(steps)
    ahead = steps[steps > 0]
    used, room = 0, int(_FULL * keys.size)
    recent = np.full(_RECENT, -1, np.int64)  # recent pairs, and their passes
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
    """Return the slot of a key in a hash table, or the free slot for it."""
    last = keys.size - 1
    at = ((key * 0x9E3779B97F4A7C1) >> 20) & last
    while keys[at] != key and keys[at] >= 0:
        at = (at + 1) & last
    return at


@inlined
def root_of(parent: NDArray[np.int32], i: int) -> int:
    """Return the root of a set (union-find with path halving)."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled()
def numbered(parent: NDArray[np.int32], start: int) -> NDArray[np.int32]:
    """Return the number of each set, from 1 in the order of their first members.

    Entries before `start` get 0.
    """
    number, found = np.zeros(parent.size, np.int32), 0
    for h in range(start, parent.size):
        top = root_of(parent, h)
        if number[top] == 0:
            found += 1
            number[top] = found
        number[h] = number[top]
    return number
