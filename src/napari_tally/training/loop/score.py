"""How well labels are found: one scorer for each kind of head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...heads.panoptic import Panoptic
from ...heads.semantic import Semantic
from ...metrics.match import match, mean_ap, panoptic_counts

if TYPE_CHECKING:
    from ...heads.base import Head

Labels = Sequence[NDArray[np.integer]]


@dataclass(frozen=True)
class Score:
    """Scores of a set of images, and which of them decides what is best.

    Attributes
    ----------
    main : float
        The score by which weights are chosen, 0 to 1.
    numbers : dict of str to float
        All scores by name.
    """

    main: float
    numbers: dict[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.3f}" for name, value in self.numbers.items())


@singledispatch
def score_of(head: Head, found: Labels, truth: Labels) -> Score:
    """Compare what was found in images with their truth.

    Instances are scored by AP = TP / (TP + FP + FN), averaged over images, at IoU 0.5 and over
    0.5 to 0.9; classes by their Dice, each averaged over the images in which the truth has it.
    """
    pairs = [match(a, b) for a, b in zip(found, truth, strict=True)]
    ap = mean_ap(pairs) if pairs else [0.0]
    mean = float(np.mean(ap))
    return Score(mean, {"ap50": float(ap[0]), "mean_ap": mean})


@score_of.register
def _dice_score(head: Semantic, found: Labels, truth: Labels) -> Score:
    dice = dice_per_class(found, truth, len(head.classes))
    numbers = {f"dice {name}": float(value) for name, value in zip(head.classes, dice, strict=True)}
    mean = float(np.mean(dice)) if len(found) else 0.0
    return Score(mean, {**numbers, "mean_dice": mean})


@score_of.register
def _panoptic_score(head: Panoptic, found: Labels, truth: Labels) -> Score:
    """Score by the panoptic quality of each class, pooled over the images."""
    pairs = [(head.parted(a), head.parted(b)) for a, b in zip(found, truth, strict=True)]
    if not pairs:
        return Score(0.0, {"pq": 0.0})
    counts = [panoptic_counts(*pair, len(head.classes)) for pair in pairs]
    pq = np.nan_to_num(sum(counts[1:], counts[0]).pq)
    numbers = {f"pq {name}": float(v) for name, v in zip(head.class_names, pq, strict=True)}
    return Score(float(pq.mean()), {**numbers, "pq": float(pq.mean())})


def dice_per_class(found: Labels, truth: Labels, classes: int) -> NDArray[np.float64]:
    """Return the Dice of each class, averaged over the images in which the truth has it.

    Parameters
    ----------
    found, truth : sequence of ndarray
        Class ids from 0 (the background) to `classes`.

    Returns
    -------
    ndarray, shape (classes,)
        0 for a class that no truth has.
    """
    import torch
    from monai.metrics import compute_dice

    # Not by way of `DiceMetric`: among several processes it would wait for the scores of each.
    each = [np.full((1, classes), np.nan)]
    for one, true in zip(found, truth, strict=True):
        pair = (torch.from_numpy(a.astype(np.int64))[None, None] for a in (one, true))
        each.append(compute_dice(*pair, include_background=False, num_classes=classes + 1).numpy())
    values = np.concatenate(each).astype(np.float64)
    count = np.isfinite(values).sum(axis=0)
    mean: NDArray[np.float64] = np.nansum(values, axis=0) / np.maximum(count, 1)
    return mean
