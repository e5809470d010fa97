"""Intensities in each channel: what one pass over the image finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .declared import Columns, Cost, Feature, Group, Per

if TYPE_CHECKING:
    from .objects import Objects


def _intensity(objects: Objects) -> Columns:
    sums = objects.moments
    return {
        "intensity_mean": sums.mean,
        "intensity_min": sums.minimum,
        "intensity_max": sums.maximum,
        "intensity_std": np.sqrt(sums.variance),
    }


INTENSITY = Group(
    "intensity",
    "Intensity",
    Cost.PASS,
    (
        Feature("intensity_mean", "Mean intensity", "Of the finite values.", per=Per.CHANNEL),
        Feature("intensity_min", "Least intensity", "Of the finite values.", per=Per.CHANNEL),
        Feature("intensity_max", "Largest intensity", "Of the finite values.", per=Per.CHANNEL),
        Feature(
            "intensity_std",
            "Standard deviation",
            "Of the finite values, of the population.",
            per=Per.CHANNEL,
        ),
    ),
    _intensity,
)
