"""Whether a confidence means what it says: which objects are true ones, and how well it tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .overlaps import overlaps


def true_ones(
    predicted: NDArray[np.integer], true: NDArray[np.integer], iou: float = 0.5
) -> NDArray[np.bool_]:
    """Tell which predicted objects, in the order of their ids, match a true one at that IoU."""
    found = overlaps(predicted, true)
    best = np.zeros(found.n_predicted + 1)
    np.maximum.at(best, found.predicted, found.iou)
    matched: NDArray[np.bool_] = best[1:] >= iou
    return matched


def auroc(score: NDArray[np.floating], true: NDArray[np.bool_]) -> float:
    """Return how often a true object has the higher score than one that is not; ties count half.

    It is the area under the receiver operating characteristic, by the rank sum of Mann & Whitney,
    1947. NaN where all are true, or none.
    """
    positive, negative = int(true.sum()), int((~true).sum())
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[true].sum() - positive * (positive + 1) / 2) / (positive * negative))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Objects of a range of confidence: how many, their mean confidence, and how many are true."""

    low: float
    high: float
    count: int
    confidence: float
    true: float


def reliability(
    confidence: NDArray[np.floating], true: NDArray[np.bool_], bins: int = 10
) -> list[Reliability]:
    """Compare confidence and share of true objects in equal ranges; empty ones are left out."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for i in np.unique(place).tolist():
        own = place == i
        mean, share = float(confidence[own].mean()), float(true[own].mean())
        rows.append(Reliability(i / bins, (i + 1) / bins, int(own.sum()), mean, share))
    return rows


def calibration_error(rows: list[Reliability]) -> float:
    """Return the mean gap between confidence and share of true objects, weighted by objects.

    The expected calibration error of Guo et al., 2017, https://arxiv.org/abs/1706.04599.
    """
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.confidence - row.true) for row in rows) / max(total, 1)
