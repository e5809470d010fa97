"""Reliability of confidences: calibration, and discrimination of true positives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from .overlaps import overlaps


def true_ones(
    predicted: NDArray[np.integer], true: NDArray[np.integer], iou: float = 0.5
) -> NDArray[np.bool_]:
    """Return which predicted objects, in the order of ids, match a ground-truth one at that IoU."""
    found = overlaps(predicted, true)
    best = np.zeros(found.n_predicted + 1)
    np.maximum.at(best, found.predicted, found.iou)
    matched: NDArray[np.bool_] = best[1:] >= iou
    return matched


def auroc(score: NDArray[np.floating], true: NDArray[np.bool_]) -> float:
    """Return the area under the receiver operating characteristic, by Mann & Whitney's U, 1947.

    It is the probability that a true positive has a higher score than a false one; ties count half.
    NaN if all are true, or none.
    """
    if true.all() or not true.any():
        return float("nan")
    u = mannwhitneyu(score[true], score[~true], method="asymptotic").statistic
    return float(u / (true.sum() * (~true).sum()))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Objects in a range of confidence: count, mean confidence and fraction of true positives."""

    low: float
    high: float
    count: int
    confidence: float
    true: float


def reliability(
    confidence: NDArray[np.floating], true: NDArray[np.bool_], bins: int = 10
) -> list[Reliability]:
    """Compare confidence and fraction of true positives in equal ranges; empty ones are omitted."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for i in np.unique(place).tolist():
        own = place == i
        mean, share = float(confidence[own].mean()), float(true[own].mean())
        rows.append(Reliability(i / bins, (i + 1) / bins, int(own.sum()), mean, share))
    return rows


def calibration_error(rows: list[Reliability]) -> float:
    """Return the mean gap between confidence and fraction of true positives, weighted by objects.

    The expected calibration error of Guo et al., 2017, https://arxiv.org/abs/1706.04599.
    """
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.confidence - row.true) for row in rows) / max(total, 1)
