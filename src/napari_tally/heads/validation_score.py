"""Score predicted labels against the ground truth, for each kind of head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LabelImages = Sequence[NDArray[np.integer]]
ObjectsAndClasses = tuple[NDArray[np.integer], NDArray[np.integer]]


@dataclass(frozen=True)
class Score:
    """Scores of a set of images, and the one that decides which weights are best.

    Attributes
    ----------
    main : float
        The score that decides, 0 to 1.
    numbers : dict of str to float
        All scores by name.
    """

    main: float
    numbers: dict[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.3f}" for name, value in self.numbers.items())


def average_precision(found: LabelImages, ground_truth: LabelImages) -> Score:
    """Score objects by AP = TP / (TP + FP + FN), the mean over images.

    The main score is the mean over IoU 0.5 to 0.9; the other is at IoU 0.5.
    """
    from ..metrics.match import match, mean_ap  # loads scipy.optimize, which no dock needs

    pairs = [match(a, b) for a, b in zip(found, ground_truth, strict=True)]
    ap = mean_ap(pairs) if pairs else [0.0]
    mean = float(np.mean(ap))
    return Score(mean, {"ap50": float(ap[0]), "mean_ap": mean})


def mean_dice(found: LabelImages, ground_truth: LabelImages, names: Sequence[str]) -> Score:
    """Score classes by their Dice; the main score is the mean over classes."""
    dice = dice_per_class(found, ground_truth, len(names))
    numbers = {f"dice {name}": float(value) for name, value in zip(names, dice, strict=True)}
    mean = float(np.mean(dice)) if len(found) else 0.0
    return Score(mean, {**numbers, "mean_dice": mean})


def panoptic_quality(
    pairs: Sequence[tuple[ObjectsAndClasses, ObjectsAndClasses]],
    names: Sequence[str],
) -> Score:
    """Score objects with classes by the panoptic quality of each class, pooled over the images.

    `pairs` are predicted and true (objects, classes), one pair per image.
    """
    from ..metrics.match import panoptic_counts

    if not pairs:
        return Score(0.0, {"pq": 0.0})
    counts = [panoptic_counts(a, b, len(names)) for a, b in pairs]
    pq = np.nan_to_num(sum(counts[1:], counts[0]).pq)
    numbers = {f"pq {name}": float(v) for name, v in zip(names, pq, strict=True)}
    return Score(float(pq.mean()), {**numbers, "pq": float(pq.mean())})


def dice_per_class(
    found: LabelImages, ground_truth: LabelImages, classes: int
) -> NDArray[np.float64]:
    """Return the Dice of each class, the mean over the images whose ground truth has it.

    Parameters
    ----------
    found, ground_truth : sequence of ndarray
        Class ids from 0 (the background) to `classes`.

    Returns
    -------
    ndarray, shape (classes,)
        0 for a class that is in no ground truth.
    """
    import torch
    from monai.metrics import compute_dice

    # Not `DiceMetric`: with several processes it would wait for the scores of all.
    each = [np.full((1, classes), np.nan)]
    for one, true in zip(found, ground_truth, strict=True):
        pair = (torch.from_numpy(a.astype(np.int64))[None, None] for a in (one, true))
        each.append(compute_dice(*pair, include_background=False, num_classes=classes + 1).numpy())
    values = np.concatenate(each).astype(np.float64)
    count = np.isfinite(values).sum(axis=0)
    mean: NDArray[np.float64] = np.nansum(values, axis=0) / np.maximum(count, 1)
    return mean
