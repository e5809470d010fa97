"""Intensities as nnU-Net scales them: statistics of the box around what is not 0."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.options import Options

Limits = tuple[float, float]  # (mean, standard deviation)
_LEAST = 1e-8


class Scheme(Options):
    """How the intensities of a channel are scaled.

    Attributes
    ----------
    kind : str
        "ct" clips to `low` and `high` and uses `mean` and `std`, all of the training data.
    masked : bool
        Whether only voxels of the mask of what is not 0 count and are changed (z-score only).
    """

    kind: Literal["ct", "z-score", "0-1", "none", "rgb"]
    masked: bool = False
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    std: float = Field(1.0, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Scheme:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) is above high ({self.high})")
        return self

    @property
    def described(self) -> str:
        """What is done, in words."""
        if self.kind == "ct":
            mean, std = f"{self.mean:.4g}", f"{self.std:.4g}"
            return f"clipped to {self.low:.4g} to {self.high:.4g}, then mean {mean}, std {std}"
        if self.kind == "z-score":
            return "z-score of what is not 0" if self.masked else "z-score"
        return {"0-1": "scaled to 0 to 1", "none": "as they are", "rgb": "divided by 255"}[
            self.kind
        ]

    def limits(self, inside: NDArray[np.generic]) -> Limits:
        """Return what is subtracted, and by what is divided, given the values that count."""
        if self.kind == "ct":
            return self.mean, max(self.std, _LEAST)
        if self.kind == "rgb":
            return 0.0, 255.0
        if self.kind == "none" or inside.size == 0:
            return 0.0, 1.0
        if self.kind == "0-1":
            low = float(inside.min())
            return low, max(float(inside.max()) - low, _LEAST)
        return float(inside.mean(dtype=np.float64)), max(
            float(inside.std(dtype=np.float64)), _LEAST
        )


def fitted_limits(image: NDArray[Any], schemes: tuple[Scheme, ...]) -> list[Limits]:
    """Return the limits of each channel of a whole image, shape (C, *spatial)."""
    mask = not_zero(image)
    box = _box(mask)
    return [
        scheme.limits(channel[box][mask[box]] if scheme.masked else channel[box])
        for channel, scheme in zip(image, schemes, strict=True)
    ]


def scaled(
    image: NDArray[Any], schemes: tuple[Scheme, ...], limits: list[Limits]
) -> NDArray[np.float32]:
    """Return the scaled image, shape (C, *spatial), a part of the one of the limits."""
    out = np.empty(image.shape, np.float32)
    mask = not_zero(image) if any(scheme.masked for scheme in schemes) else None
    for channel, scheme, (mean, std), target in zip(image, schemes, limits, out, strict=True):
        values = channel.astype(np.float64)
        if scheme.kind == "ct":
            values = np.clip(values, scheme.low, scheme.high)
        target[...] = (values - mean) / std
        if scheme.masked and mask is not None:
            target[~mask] = 0
    return out


def not_zero(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where any channel is not 0, with holes filled in 3D."""
    from scipy.ndimage import binary_fill_holes

    mask: NDArray[np.bool_] = (image != 0).any(axis=0)
    return mask if mask.ndim < 3 else binary_fill_holes(mask)


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return the box around a mask; all if it is empty."""
    if not mask.any():
        return (slice(None),) * mask.ndim
    axes = range(mask.ndim)
    along = [np.flatnonzero(mask.any(axis=tuple(a for a in axes if a != axis))) for axis in axes]
    return tuple(slice(int(i[0]), int(i[-1]) + 1) for i in along)
