"""From the evidence for an object to the probability that it is true: a logistic function."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.options import Options

_RIDGE = 1.0  # on weights of standardized features: a prior of one object against each
_STEPS = 100


class Calibration(Options):
    """Coefficients of a logistic function of an object's evidence.

    It gives the share of such objects that matched a true one (IoU of at least 0.5) in the images
    of the fit: Platt scaling, after Platt, 1999, "Probabilistic outputs for support
    vector machines".

    Attributes
    ----------
    features : tuple of str
        Names of the evidence, as the head has them.
    weights : tuple of float
        One a feature.
    bias : float
        The logit where all features are 0.
    data : str
        The data of the fit, in words.
    """

    features: tuple[str, ...] = Field(min_length=1)
    weights: tuple[float, ...]
    bias: float
    data: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.weights) != len(self.features):
            raise ValueError(
                f"{len(self.weights)} weights for {len(self.features)} features: give one a feature"
            )
        return self

    def __call__(self, evidence: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probability that each object is a true one, from 0 to 1."""
        return _logistic(evidence @ np.array(self.weights) + self.bias)


def calibrated(
    evidence: NDArray[np.floating],
    true: NDArray[np.bool_],
    features: tuple[str, ...],
    data: str = "",
) -> Calibration:
    """Fit a calibration to objects that are known to be true or false positives.

    Maximum likelihood with a ridge of 1 on the standardized features, by Newton's method.

    Parameters
    ----------
    evidence : ndarray, shape (objects, features)
    true : ndarray of bool, shape (objects,)
    """
    mean, scale = evidence.mean(0), evidence.std(0) + 1e-9
    design = np.column_stack([np.ones(len(evidence)), (evidence - mean) / scale])
    ridge = np.diag([1e-6, *[_RIDGE] * evidence.shape[1]])
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        now = _logistic(design @ weights)
        curvature = (design.T * (now * (1 - now))) @ design + ridge
        step = np.linalg.solve(curvature, design.T @ (true - now) - ridge @ weights)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    slopes = weights[1:] / scale
    rounded = tuple(round(float(w), 4) for w in slopes)
    bias = round(float(weights[0] - slopes @ mean), 4)
    return Calibration(features=features, weights=rounded, bias=bias, data=data)


def _logistic(logit: NDArray[np.floating]) -> NDArray[np.float64]:
    probability: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logit, -50.0, 50.0)))
    return probability
