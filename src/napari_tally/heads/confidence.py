"""Map the evidence for an object to the probability that it is a true positive (logistic)."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.options import Options

_RIDGE = 1.0  # L2 penalty on the weights of standardized features
_STEPS = 100


class Calibration(Options):
    """Coefficients of a logistic function of an object's evidence.

    It estimates the share of such objects that match the ground truth (IoU of at least 0.5):
    Platt scaling, after Platt, 1999, "Probabilistic outputs for support vector machines".

    Attributes
    ----------
    features : tuple of str
        Names of the evidence, as in the head.
    weights : tuple of float
        One per feature.
    bias : float
        The logit where all features are 0.
    data : str
        The data used for the fit, in words.
    """

    features: tuple[str, ...] = Field(min_length=1)
    weights: tuple[float, ...]
    bias: float
    data: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.weights) != len(self.features):
            raise ValueError(
                f"{len(self.weights)} weights do not fit {len(self.features)} features"
            )
        return self

    def __call__(self, evidence: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probability that each object is a true positive."""
        return _logistic(evidence @ np.array(self.weights) + self.bias)


def calibrated(
    evidence: NDArray[np.floating],
    true: NDArray[np.bool_],
    features: tuple[str, ...],
    data: str = "",
) -> Calibration:
    """Fit a calibration to objects known to be true or false positives.

    Ridge-penalized maximum likelihood on standardized features, by Newton's method.

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
