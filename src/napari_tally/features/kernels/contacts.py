"""Contacts between objects and their shared border, in one compiled pass.

Two objects touch if a cell of 2 × 2 × 2 voxels contains both. The border that an object shares with
all others is (S(object) + S(others) - S(both)) / 2, where S is the surface of a set of corners,
cell by cell: shared and free border add up to that of the object, even where three objects meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined, threads
from .cube_configurations import CLASS_OF, CLASSES, rows_of_cells
from .voxel_cubes import (
    ALL,
    corners_of,
    lines_of,
    marked,
    read_cell,
    read_row,
    room_for,
    slab_count,
)

# isort: split
from numba import prange  # after `jit`, which configures numba

_FULL = 0.6  # maximum load of the hash table of pairs
_SPREAD = 0x9E3779B1  # 2**32 by the golden ratio: Knuth's multiplicative hashing


def contacts(
    labels: NDArray[np.unsignedinteger[Any]], n_objects: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of touching objects, and the configurations of their shared border.

    Parameters
    ----------
    labels : ndarray of uint16 or uint32, shape (Y, X) or (Z, Y, X)
    n_objects : int
        The largest id.

    Returns
    -------
    pairs : ndarray of int64, shape (m, 2)
        Ids of two objects that share a face, an edge or a corner; the smaller one first.
    counts : ndarray of int64, shape (n_objects, CLASSES)
        Multiplied by `border_weights`, twice the border that an object shares with others.
    """
    if not labels.size or n_objects < 2:
        return np.empty((0, 2), np.int64), np.zeros((n_objects, CLASSES), np.int64)
    stack, plane, rows = rows_of_cells(labels, None, last=True)
    bits = int(8 * n_objects).bit_length()
    while True:
        table = 8 * ((n_objects + 1) * CLASSES + (1 << bits))
        slabs = slab_count(rows, table, threads())
        counts = np.zeros((slabs, n_objects + 1, CLASSES), np.int64)
        keys = np.full((slabs, 1 << bits), -1, np.int64)
        full = np.zeros(slabs, np.bool_)
        _count_slabs(stack, plane, rows, CLASS_OF, counts, keys, full)
        if not full.any():
            break
        bits += 2
    pairs = np.unique(keys[keys >= 0])
    return np.stack(np.divmod(pairs, n_objects + 1), axis=1), counts[:, 1:].sum(axis=0)


@compiled(parallel=True)
def _count_slabs(
    labels: NDArray[Any],
    before: NDArray[Any],
    rows: int,
    class_of: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.int64],
    full: NDArray[np.bool_],
) -> None:
    slabs = len(counts)
    for s in prange(slabs):
        some = (s * rows // slabs, (s + 1) * rows // slabs)
        full[s] = not _count_rows(labels, before, some, class_of, counts[s], keys[s])


@inlined
def _count_rows(
    labels: NDArray[Any],
    before: NDArray[Any],
    rows: tuple[int, int],
    class_of: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.int64],
) -> bool:
    """Add the rows of cells to one slab's tables; return whether there was room for the pairs."""
    outside = np.zeros(labels.shape[2], labels.dtype)
    room = room_for(labels)
    _, _, _, _, several, _ = room
    found = np.empty(len(several), np.int64)
    cell = np.empty(8, labels.dtype)
    left = int(_FULL * len(keys))
    for row in range(rows[0], rows[1]):
        lines = lines_of(labels, before, outside, row)
        read_row(lines, room)
        for i in range(marked(several, found)):
            read_cell(lines, found[i], cell)
            left -= _count_cell(cell, class_of, counts, keys)
            if left <= 28:  # the maximum number of pairs in a cell
                return False
    return True


@inlined
def _count_cell(
    cell: NDArray[Any],
    class_of: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.int64],
) -> int:
    """Add the shared border of the objects in a cell; return the number of new pairs."""
    new = 0
    done = corners_of(cell, 0)
    held = ALL ^ done
    for k in range(8):
        if done >> k & 1:
            continue
        label = cell[k]
        mask = corners_of(cell, label)
        others = held ^ mask
        if others == 0:
            break
        done |= mask
        counts[label, class_of[mask]] += 1
        counts[label, class_of[others]] += 1
        if held != ALL:
            counts[label, class_of[held]] -= 1
        for j in range(k + 1, 8):
            if others >> j & 1:
                new += _keep(keys, label, cell[j], len(counts))
    return new


@inlined
def _keep(keys: NDArray[np.int64], a: int, b: int, count: int) -> int:
    """Insert a pair of labels into the hash table; return 1 if it is new."""
    low, high = min(a, b), max(a, b)
    key = np.int64(low) * count + np.int64(high)
    last = len(keys) - 1
    slot = ((key * _SPREAD) >> 15) & last
    while keys[slot] != key:
        if keys[slot] < 0:
            keys[slot] = key
            return 1
        slot = (slot + 1) & last
    return 0
