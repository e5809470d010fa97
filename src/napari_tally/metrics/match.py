"""Match predicted with ground-truth objects: true positives, false positives and negatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .overlaps import Overlaps, overlaps

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(9))


@dataclass(frozen=True, slots=True)
class Matches:
    """True positives, false positives and false negatives at one IoU threshold.

    Attributes
    ----------
    overlap : float
        Sum of the IoU of matched pairs. Ignored by `==`.
    """

    iou: float
    tp: int
    fp: int
    fn: int
    overlap: float = field(default=0.0, compare=False)

    def __add__(self, other: Matches) -> Matches:
        return Matches(
            self.iou,
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.overlap + other.overlap,
        )

    @property
    def ap(self) -> float:
        """TP / (TP + FP + FN), as in the StarDist paper; 1 without any objects."""
        total = self.tp + self.fp + self.fn
        return self.tp / total if total else 1.0

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall: recognition quality (RQ)."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 1.0

    @property
    def sq(self) -> float:
        """Segmentation quality: mean IoU of matched pairs; NaN without matches."""
        return self.overlap / self.tp if self.tp else float("nan")

    @property
    def pq(self) -> float:
        """Panoptic quality of one class: SQ x RQ; 1 without any objects."""
        total = self.tp + 0.5 * (self.fp + self.fn)
        return self.overlap / total if total else 1.0


def match(
    predicted: NDArray[np.integer],
    true: NDArray[np.integer],
    thresholds: Iterable[float] = IOU_THRESHOLDS,
) -> list[Matches]:
    """Match objects one to one at each IoU threshold, maximizing the number of matches.

    Above a threshold of 0.5 an object has at most one candidate, and the matching is unique. At
    lower thresholds the assignment with the most pairs, then the largest IoU, is chosen.
    """
    return match_overlaps(overlaps(predicted, true), thresholds)


def match_overlaps(
    overlap: Overlaps, thresholds: Iterable[float] = IOU_THRESHOLDS
) -> list[Matches]:
    """Match objects as `match` does, given their overlaps."""
    result = []
    for threshold in thresholds:
        pairs = best_pairs(overlap, threshold)
        tp, iou_sum = len(pairs), float(overlap.iou[pairs].sum())
        result.append(
            Matches(threshold, tp, overlap.n_predicted - tp, overlap.n_true - tp, iou_sum)
        )
    return result


def best_pairs(overlap: Overlaps, threshold: float) -> NDArray[np.intp]:
    """Return the indices of the overlapping pairs that match at an IoU threshold."""
    keep = np.flatnonzero(overlap.iou >= threshold)
    p, t = overlap.predicted[keep], overlap.true[keep]
    if len(np.unique(p)) == len(p) and len(np.unique(t)) == len(t):
        return keep
    return keep[_assigned(p, t, overlap.iou[keep])]


def _assigned(
    p: NDArray[np.intp], t: NDArray[np.intp], iou: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the pairs of the best assignment, one connected component at a time."""
    offset = p.max() + 1
    n = offset + t.max() + 1
    _, group = connected_components(coo_array((np.ones(len(p)), (p, t + offset)), shape=(n, n)))
    order = np.argsort(group[p], kind="stable")
    ends = np.flatnonzero(np.diff(group[p][order])) + 1
    chosen = [own[_best(p[own], t[own], iou[own])] for own in np.split(order, ends)]
    return np.sort(np.concatenate(chosen))


def _best(p: NDArray[np.intp], t: NDArray[np.intp], iou: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the pairs of the best assignment of a connected component."""
    from scipy.optimize import linear_sum_assignment

    rows, r = np.unique(p, return_inverse=True)
    cols, c = np.unique(t, return_inverse=True)
    gain = np.zeros((len(rows), len(cols)))
    gain[r, c] = 1 + iou / (len(rows) + len(cols))
    pair = np.full(gain.shape, -1)
    pair[r, c] = np.arange(len(p))
    chosen: NDArray[np.intp] = pair[linear_sum_assignment(gain, maximize=True)]
    return chosen[chosen >= 0]


@dataclass(frozen=True)
class PanopticCounts:
    """Counts for the panoptic quality of each class; counts of several images add up.

    Kirillov et al., 2019, https://doi.org/10.1109/CVPR.2019.00963.

    Attributes
    ----------
    tp, fp, fn : ndarray of int, shape (classes,)
        True positives (IoU above 0.5), false positives and false negatives. Class ids begin with 1.
    iou : ndarray of float, shape (classes,)
        Sum of the IoU of true positives.
    """

    tp: NDArray[np.intp]
    fp: NDArray[np.intp]
    fn: NDArray[np.intp]
    iou: NDArray[np.float64]

    def __add__(self, other: PanopticCounts) -> PanopticCounts:
        return PanopticCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.iou + other.iou
        )

    def of(self, class_id: int) -> PanopticCounts:
        """Return the counts of one class."""
        own = slice(class_id - 1, class_id)
        return PanopticCounts(self.tp[own], self.fp[own], self.fn[own], self.iou[own])

    @property
    def pq(self) -> NDArray[np.float64]:
        """Panoptic quality of each class; NaN for a class without segments."""
        return _ratio(self.iou, self.tp + 0.5 * self.fp + 0.5 * self.fn)

    @property
    def sq(self) -> NDArray[np.float64]:
        """Segmentation quality: mean IoU of true positives."""
        return np.where(np.isnan(self.pq), np.nan, self.iou / np.maximum(self.tp, 1))

    @property
    def rq(self) -> NDArray[np.float64]:
        """Recognition quality: the F1 score of the segments."""
        return _ratio(self.tp, self.tp + 0.5 * self.fp + 0.5 * self.fn)


def panoptic_counts(
    predicted: tuple[NDArray[np.integer], NDArray[np.integer]],
    true: tuple[NDArray[np.integer], NDArray[np.integer]],
    classes: int,
) -> PanopticCounts:
    """Match the segments of an image: objects, and the rest of each class as one segment.

    Parameters
    ----------
    predicted, true : (ndarray of int, ndarray of int)
        Object ids and class ids of each voxel. Class 0 is background and not a segment.
    classes : int
        Number of classes.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    overlap = overlaps(*(_segments(*pair, classes) for pair in (predicted, true)))
    class_p, class_t = overlap.predicted_ids % (classes + 1), overlap.true_ids % (classes + 1)
    hit = (overlap.iou > 0.5) & (class_p[overlap.predicted] == class_t[overlap.true])
    of = class_t[overlap.true[hit]]
    tp = np.bincount(of, minlength=classes + 1)
    iou = np.bincount(of, weights=overlap.iou[hit], minlength=classes + 1).astype(np.float64)
    fp = np.bincount(class_p[1:], minlength=classes + 1) - tp
    fn = np.bincount(class_t[1:], minlength=classes + 1) - tp
    return PanopticCounts(tp[1:], fp[1:], fn[1:], iou[1:])


def _segments(
    objects: NDArray[np.integer], classes: NDArray[np.integer], count: int
) -> NDArray[np.int64]:
    """Return segment ids: one per object and class in it, and one for the rest of each class."""
    return np.where(classes > 0, objects.astype(np.int64) * (count + 1) + classes, 0)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def pooled(images: Sequence[Sequence[Matches]]) -> list[Matches]:
    """Return the counts of several images summed at each threshold."""
    return [sum(at[1:], at[0]) for at in zip(*images, strict=True)]


def mean_ap(images: Sequence[Sequence[Matches]]) -> list[float]:
    """Return the mean over images of the AP at each threshold."""
    return [float(np.mean([m.ap for m in at])) for at in zip(*images, strict=True)]
