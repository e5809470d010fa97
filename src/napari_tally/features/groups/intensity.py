"""Intensities in each channel: what one pass over the image finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..declare.feature import Columns, Cost, Feature, Group, Per

if TYPE_CHECKING:
    from ..declare.object_data import Objects


def _intensity(objects: Objects) -> Columns:
    sums = objects.moments
    return {
        "intensity_mean": sums.mean,
        "intensity_min": sums.minimum,
        "intensity_max": sums.maximum,
        "intensity_std": np.sqrt(sums.variance),
        "intensity_sum": np.where(sums.finite > 0, sums.mean * sums.finite, 0.0),
    }


def _balance(objects: Objects) -> Columns:
    sums = objects.moments
    with np.errstate(divide="ignore", invalid="ignore"):  # a mean of 0, or no finite value
        variation = np.where(sums.mean != 0, np.sqrt(sums.variance) / np.abs(sums.mean), np.nan)
        # Weights from the least intensity up: negative ones (HU) would have no centre.
        above = sums.mean - sums.minimum
        mass = (sums.pull - sums.minimum[..., None] * sums.place) / above[..., None]
    away = (mass - objects.moments.centroid[:, None, :]) * objects.voxel
    distance = np.sqrt((away**2).sum(axis=-1))
    flat = (above <= 0) & (sums.finite > 0)
    return {
        "intensity_cv": variation,
        "intensity_displacement": np.where(flat, 0.0, distance),
        "intensity_nonfinite": objects.moments.count[:, None] - sums.finite,
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
        Feature("intensity_sum", "Sum", "Of the finite values.", per=Per.CHANNEL),
    ),
    _intensity,
)
BALANCE = Group(
    "balance",
    "How even the intensity is",
    Cost.PASS,
    (
        Feature(
            "intensity_cv",
            "Coefficient of variation",
            "Standard deviation over the mean; empty where the mean is 0.",
            per=Per.CHANNEL,
        ),
        Feature(
            "intensity_displacement",
            "Displacement of the centre of mass",
            "From the centroid to the centre of mass of what the intensities are above their "
            "least one; 0 where all are equal.",
            1,
            per=Per.CHANNEL,
        ),
        Feature(
            "intensity_nonfinite",
            "Voxels without intensity",
            "Voxels that are NaN or infinite, which all other measurements pass over.",
            unit="px",
            per=Per.CHANNEL,
        ),
    ),
    _balance,
)
