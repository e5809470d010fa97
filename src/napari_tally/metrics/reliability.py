"""Reliability of confidences: calibration, and discrimination of true positives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .overlaps import overlaps


def true_ones(
    predicted: NDArray[np.integer], true: NDArray[np.integer], iou: float = 0.5
) -> NDArray[np.bool_]:
    """Return for each predicted object, in the order of ids, whether it is a true positive."""
    overlap = overlaps(predicted, true)
    best = np.zeros(overlap.n_predicted + 1)
    np.maximum.at(best, overlap.predicted, overlap.iou)
    matched: NDArray[np.bool_] = best[1:] >= iou
    return matched


def auroc(score: NDArray[np.floating], true: NDArray[np.bool_]) -> float:
    """Return the area under the receiver operating characteristic, from Mann & Whitney's U (1947).

    The probability that a true positive scores higher than a false positive; ties count half. NaN
    if all objects are true positives, or none.
    """
    if true.all() or not true.any():
        return float("nan")
    from scipy.stats import mannwhitneyu

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
    """Compare confidence with the fraction of true positives in equal bins, without empty ones."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for i in np.unique(index).tolist():
        own = index == i
        mean, share = float(confidence[own].mean()), float(true[own].mean())
        rows.append(Reliability(i / bins, (i + 1) / bins, int(own.sum()), mean, share))
    return rows


def calibration_error(rows: list[Reliability]) -> float:
    """Return the gap between confidence and fraction of true positives, averaged over objects.

    The expected calibration error of Guo et al., 2017, https://arxiv.org/abs/1706.04599.
    """
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.confidence - row.true) for row in rows) / max(total, 1)
