"""Overlaps of the objects of two label images, in voxels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.jit import compiled, inlined

_CHUNK = 1 << 20  # voxels converted to int64 at once
_SLOTS = 1 << 12  # rows of the first table, which doubles when half full


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The pairs of predicted and ground-truth objects that share voxels.

    Attributes
    ----------
    predicted, true : ndarray of int, shape (pairs,)
        The objects of each pair, numbered from 1 in the order of their ids.
    iou : ndarray of float, shape (pairs,)
        Intersection over union.
    n_predicted, n_true : int
        Number of objects, including those without overlap.
    shared : ndarray of int, shape (pairs,)
        Voxels in both.
    predicted_ids, true_ids : ndarray of int, shape (n + 1,)
        The id of each object in its label image; 0, the background, is first.
    predicted_sizes, true_sizes : ndarray of int, shape (n + 1,)
        Voxels of each object and, first, of the background.
    """

    predicted: NDArray[np.intp]
    true: NDArray[np.intp]
    iou: NDArray[np.float64]
    n_predicted: int
    n_true: int
    shared: NDArray[np.int64]
    predicted_ids: NDArray[np.integer]
    true_ids: NDArray[np.integer]
    predicted_sizes: NDArray[np.int64]
    true_sizes: NDArray[np.int64]

    def mirrored(self) -> Overlaps:
        """Return the same pairs, in the same order, with predicted and true swapped."""
        return Overlaps(
            predicted=self.true,
            true=self.predicted,
            iou=self.iou,
            n_predicted=self.n_true,
            n_true=self.n_predicted,
            shared=self.shared,
            predicted_ids=self.true_ids,
            true_ids=self.predicted_ids,
            predicted_sizes=self.true_sizes,
            true_sizes=self.predicted_sizes,
        )

    def of(self, predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> Overlaps:
        """Return the overlaps of selected objects, renumbered.

        Parameters
        ----------
        predicted, true : ndarray of bool, shape (n + 1,)
            Which objects to keep; the entry of the background is ignored.
        """
        pairs = predicted[self.predicted] & true[self.true]
        new_p, new_t = (np.cumsum(np.append(False, keep[1:])) for keep in (predicted, true))
        kept_p, kept_t = (np.append(True, keep[1:]) for keep in (predicted, true))
        return Overlaps(
            predicted=new_p[self.predicted[pairs]],
            true=new_t[self.true[pairs]],
            iou=self.iou[pairs],
            n_predicted=int(new_p[-1]),
            n_true=int(new_t[-1]),
            shared=self.shared[pairs],
            predicted_ids=self.predicted_ids[kept_p],
            true_ids=self.true_ids[kept_t],
            predicted_sizes=self.predicted_sizes[kept_p],
            true_sizes=self.true_sizes[kept_t],
        )


def overlaps(predicted: NDArray[np.integer], true: NDArray[np.integer]) -> Overlaps:
    """Return the overlapping pairs of two label images of the same shape.

    Memory is proportional to the number of pairs, whatever the ids: runs of voxels of the same pair
    are counted in a hash table. `fastremap.unique` takes 2.5 to 3.7 times as long
    (benchmarks/own_or_library.py).

    Raises
    ------
    InputError
        If the shapes differ, or there are negative ids.
    """
    if predicted.shape != true.shape:
        raise InputError(f"Labels must have the same shape, not {predicted.shape} and {true.shape}")
    old_p, old_t, shared = _counted(predicted, true)
    ids_p, p = _numbered(old_p)
    ids_t, t = _numbered(old_t)
    sizes_p, sizes_t = (
        np.bincount(place, weights=shared, minlength=len(ids)).astype(np.int64)
        for place, ids in ((p, ids_p), (t, ids_t))
    )
    order = np.lexsort((t, p))
    order = order[(p[order] > 0) & (t[order] > 0)]
    p, t, shared = p[order], t[order], shared[order]
    iou = shared / (sizes_p[p] + sizes_t[t] - shared)
    counts = len(ids_p) - 1, len(ids_t) - 1
    return Overlaps(p, t, iou, *counts, shared, ids_p, ids_t, sizes_p, sizes_t)


def _numbered(ids: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Return the distinct ids with 0 first, and the index of each id among them."""
    if ids.min(initial=0) < 0:
        raise InputError(f"Labels must not be negative, but the id {ids.min()} occurs")
    known = np.unique(np.append(ids, np.zeros(1, ids.dtype)))
    return known, np.searchsorted(known, ids)


def _counted(
    p: NDArray[np.integer], t: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.int64]]:
    """Return the distinct pairs of ids, and the number of voxels of each."""
    table, used = np.zeros((_SLOTS, 3), np.int64), 0
    for chunk_p, chunk_t in _chunks(p, t):
        start = 0
        while start < len(chunk_p):
            if 2 * used >= len(table):
                table = _larger(table)
            start, used = _count(chunk_p, chunk_t, start, table, used)
    table = table[table[:, 2] > 0]
    return _as_ids(table[:, 0], p.dtype), _as_ids(table[:, 1], t.dtype), table[:, 2]


def _as_ids(column: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[np.integer]:
    """Return ids in their own type: large uint64 ids were counted as int64 of the same bits.

    Other types stay int64, which compares with the ids of another image without floats.
    """
    return column.astype(np.uint64) if dtype == np.uint64 and (column < 0).any() else column


def _chunks(*arrays: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Yield matching chunks of the arrays as int64, so that only one loop is compiled."""
    transposed = all(a.flags.f_contiguous for a in arrays)  # then this makes no copy
    flat = [(a.T if transposed else a).ravel() for a in arrays]
    for start in range(0, flat[0].size, _CHUNK):
        yield tuple(a[start : start + _CHUNK].astype(np.int64) for a in flat)


@inlined
def _slot(table: NDArray[np.int64], p: int, t: int) -> int:
    """Return the row of a pair in a hash table of (id, id, count); rows of count 0 are free."""
    last = len(table) - 1
    mixed = p * 0x1E3779B97F4A7C15 + t * 0x5851F42D4C957F2D  # odd factors; overflow is intended
    slot = (mixed ^ (mixed >> 29)) >> 20 & last
    while table[slot, 2] > 0 and (table[slot, 0] != p or table[slot, 1] != t):
        slot = (slot + 1) & last
    return slot


@compiled()
def _count(
    p: NDArray[np.int64], t: NDArray[np.int64], start: int, table: NDArray[np.int64], used: int
) -> tuple[int, int]:
    """Count pairs from `start` until the table is half full; return the index and the used rows."""
    i, size = start, len(p)
    while i < size and 2 * used < len(table):
        run = i + 1
        while run < size and p[run] == p[i] and t[run] == t[i]:
            run += 1
        slot = _slot(table, p[i], t[i])
        used += table[slot, 2] == 0
        table[slot, 0], table[slot, 1] = p[i], t[i]
        table[slot, 2] += run - i
        i = run
    return i, used


@compiled()
def _larger(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the table with twice the rows."""
    larger = np.zeros((2 * len(table), 3), np.int64)
    for row in table:
        if row[2] > 0:
            larger[_slot(larger, row[0], row[1])] = row
    return larger
