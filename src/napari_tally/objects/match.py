"""Pair predicted objects with true ones and count hits and misses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..core.errors import InputError

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(9))


@dataclass(frozen=True, slots=True)
class Matches:
    """True positives, false positives and false negatives at one IoU threshold."""

    iou: float
    tp: int
    fp: int
    fn: int

    @property
    def ap(self) -> float:
        """TP / (TP + FP + FN), as in StarDist's paper; 1 where there is nothing to find."""
        total = self.tp + self.fp + self.fn
        return self.tp / total if total else 1.0

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0


@dataclass(frozen=True, slots=True)
class Overlaps:
    """IoU of each pair of a predicted and a true object that share a voxel."""

    predicted: NDArray[np.intp]
    true: NDArray[np.intp]
    iou: NDArray[np.float64]
    n_predicted: int
    n_true: int


def overlaps(predicted: NDArray[np.integer], true: NDArray[np.integer]) -> Overlaps:
    """Return the overlapping pairs of two label images of one shape.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    if predicted.shape != true.shape:
        raise InputError("Labels of one shape are needed", f"{predicted.shape} and {true.shape}")
    _, p = np.unique(predicted, return_inverse=True)
    _, t = np.unique(true, return_inverse=True)
    p = p.ravel() + (predicted.min(initial=1) > 0)
    t = t.ravel() + (true.min(initial=1) > 0)
    pair, shared = np.unique(p.astype(np.int64) * (t.max(initial=0) + 1) + t, return_counts=True)
    ip, it = np.divmod(pair, t.max(initial=0) + 1)
    sizes_p, sizes_t = np.bincount(p, minlength=1), np.bincount(t, minlength=1)
    keep = (ip > 0) & (it > 0)
    ip, it, shared = ip[keep], it[keep], shared[keep]
    iou = shared / (sizes_p[ip] + sizes_t[it] - shared)
    return Overlaps(ip, it, iou, len(sizes_p) - 1, len(sizes_t) - 1)


def match(
    predicted: NDArray[np.integer],
    true: NDArray[np.integer],
    thresholds: Iterable[float] = IOU_THRESHOLDS,
) -> list[Matches]:
    """Pair objects one to one at each IoU threshold so that most pairs are found.

    From a threshold of 0.5 on an object has at most one partner above it, and the pairing is
    unique; below, the assignment with most pairs, then largest IoU, is taken.
    """
    found = overlaps(predicted, true)
    result = []
    for threshold in thresholds:
        tp = _pairs(found, threshold)
        result.append(Matches(threshold, tp, found.n_predicted - tp, found.n_true - tp))
    return result


def _pairs(found: Overlaps, threshold: float) -> int:
    keep = found.iou >= threshold
    p, t, iou = found.predicted[keep], found.true[keep], found.iou[keep]
    if len(np.unique(p)) == len(p) and len(np.unique(t)) == len(t):
        return len(p)
    return _assigned(p, t, iou)


def _assigned(p: NDArray[np.intp], t: NDArray[np.intp], iou: NDArray[np.float64]) -> int:
    """Count the pairs of the best assignment, one connected group of objects at a time."""
    offset = p.max() + 1
    n = offset + t.max() + 1
    _, group = connected_components(coo_array((np.ones(len(p)), (p, t + offset)), shape=(n, n)))
    total = 0
    for g in np.unique(group[p]):
        rows, r = np.unique(p[group[p] == g], return_inverse=True)
        cols, c = np.unique(t[group[p] == g], return_inverse=True)
        gain = np.zeros((len(rows), len(cols)))
        gain[r, c] = 1 + iou[group[p] == g] / (len(rows) + len(cols))
        chosen = linear_sum_assignment(gain, maximize=True)
        total += int((gain[chosen] > 0).sum())
    return total


def pooled(images: Sequence[Sequence[Matches]]) -> list[Matches]:
    """Add up the counts of several images, threshold by threshold."""
    return [
        Matches(at[0].iou, sum(m.tp for m in at), sum(m.fp for m in at), sum(m.fn for m in at))
        for at in zip(*images, strict=True)
    ]


def mean_ap(images: Sequence[Sequence[Matches]]) -> list[float]:
    """Return the mean over images of the AP at each threshold."""
    return [float(np.mean([m.ap for m in at])) for at in zip(*images, strict=True)]
