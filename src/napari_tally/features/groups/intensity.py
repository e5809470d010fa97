"""Intensity statistics of each channel, from one pass over the image."""

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
        # Weights are relative to the minimum: negative ones (HU) have no centre of mass.
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
        Feature("intensity_mean", "Mean intensity", "Mean of finite values.", per=Per.CHANNEL),
        Feature("intensity_min", "Minimum intensity", "Of finite values.", per=Per.CHANNEL),
        Feature("intensity_max", "Maximum intensity", "Of finite values.", per=Per.CHANNEL),
        Feature(
            "intensity_std",
            "Standard deviation of intensity",
            "Population standard deviation of finite values.",
            per=Per.CHANNEL,
        ),
        Feature("intensity_sum", "Integrated intensity", "Sum of finite values.", per=Per.CHANNEL),
    ),
    _intensity,
)
BALANCE = Group(
    "balance",
    "Intensity heterogeneity",
    Cost.PASS,
    (
        Feature(
            "intensity_cv",
            "Coefficient of variation",
            "Standard deviation divided by the absolute mean. NaN if the mean is 0.",
            per=Per.CHANNEL,
        ),
        Feature(
            "intensity_displacement",
            "Centre-of-mass displacement",
            "Distance from the centroid to the intensity-weighted centroid, with intensities "
            "relative to their minimum. 0 if all are equal.",
            1,
            per=Per.CHANNEL,
        ),
        Feature(
            "intensity_nonfinite",
            "Non-finite voxels",
            "Number of NaN or infinite voxels, which all other measurements ignore.",
            unit="px",
            per=Per.CHANNEL,
        ),
    ),
    _balance,
)
