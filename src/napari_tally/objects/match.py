"""Pair predicted objects with true ones and count hits and misses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class PanopticCounts:
    """What panoptic quality is made of, class by class; counts of several images add up.

    Kirillov et al., 2019, https://doi.org/10.1109/CVPR.2019.00963.

    Attributes
    ----------
    tp, fp, fn : ndarray of int, shape (classes,)
        Segments found (IoU above 0.5), invented, and missed. Class ids begin with 1.
    iou : ndarray of float, shape (classes,)
        Sum of the IoU of those that were found.
    """

    tp: NDArray[np.intp]
    fp: NDArray[np.intp]
    fn: NDArray[np.intp]
    iou: NDArray[np.float64]

    def __add__(self, other: PanopticCounts) -> PanopticCounts:
        return PanopticCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.iou + other.iou
        )

    @property
    def pq(self) -> NDArray[np.float64]:
        """Panoptic quality of each class, NaN where there is nothing of it."""
        return _share(self.iou, self.tp + 0.5 * self.fp + 0.5 * self.fn)

    @property
    def sq(self) -> NDArray[np.float64]:
        """Segmentation quality: mean IoU of the segments that were found."""
        return np.where(np.isnan(self.pq), np.nan, self.iou / np.maximum(self.tp, 1))

    @property
    def rq(self) -> NDArray[np.float64]:
        """Recognition quality: the F1 score of the segments."""
        return _share(self.tp, self.tp + 0.5 * self.fp + 0.5 * self.fn)


def panoptic_counts(
    predicted: tuple[NDArray[np.integer], NDArray[np.integer]],
    true: tuple[NDArray[np.integer], NDArray[np.integer]],
    classes: int,
) -> PanopticCounts:
    """Pair the segments of an image: objects, and what of a class is no object as one segment.

    Parameters
    ----------
    predicted, true : (ndarray of int, ndarray of int)
        Object ids and class ids of each voxel. Class 0 is nothing, and counts as no segment.
    classes : int
        How many classes there are.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    (p, class_p), (t, class_t) = (_segments(*pair, classes) for pair in (predicted, true))
    found = overlaps(p, t)
    hit = (found.iou > 0.5) & (class_p[found.predicted] == class_t[found.true])
    of = class_t[found.true[hit]]
    tp = np.bincount(of, minlength=classes + 1)
    iou = np.bincount(of, weights=found.iou[hit], minlength=classes + 1).astype(np.float64)
    fp = np.bincount(class_p[1:], minlength=classes + 1) - tp
    fn = np.bincount(class_t[1:], minlength=classes + 1) - tp
    return PanopticCounts(tp[1:], fp[1:], fn[1:], iou[1:])


def _segments(
    objects: NDArray[np.integer], classes: NDArray[np.integer], count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the id of each voxel's segment, and the class of each segment by its id."""
    joined = np.where(classes > 0, objects.astype(np.int64) * (count + 1) + classes, 0)
    kinds, ids = np.unique(joined, return_inverse=True)
    first = 0 if len(kinds) and kinds[0] == 0 else 1
    nothing = np.zeros(first, np.int64)
    return ids.reshape(joined.shape) + first, np.concatenate([nothing, kinds % (count + 1)])


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def pooled(images: Sequence[Sequence[Matches]]) -> list[Matches]:
    """Add up the counts of several images, threshold by threshold."""
    return [
        Matches(at[0].iou, sum(m.tp for m in at), sum(m.fp for m in at), sum(m.fn for m in at))
        for at in zip(*images, strict=True)
    ]


def mean_ap(images: Sequence[Sequence[Matches]]) -> list[float]:
    """Return the mean over images of the AP at each threshold."""
    return [float(np.mean([m.ap for m in at])) for at in zip(*images, strict=True)]
