"""Normalization of intensities, always by statistics of the whole image.

Statistics of a tile would make an object depend on the tile that contains it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.options import Options
from .monai_operations import AnyStep
from .nnunet_intensities import Scheme, fitted_limits, scaled
from .operations import Operation, applied

_SAMPLES = 4_000_000
_AIR = -200.0  # HU: only air, lung and padding are below
_STORED = 1000.0  # of CT stored without a rescale intercept


class Normalizer(Options):
    """Maps the channels of an image, shape (C, *spatial), to float32 of the same shape."""

    def limits(self, channel: NDArray[np.generic]) -> tuple[float, float]:
        """Return (offset, scale) of one channel: its result is (values - offset) / scale."""
        raise NotImplementedError

    def fit(self, image: NDArray[np.generic]) -> list[tuple[float, float]]:
        """Return the limits of each channel of a whole image, shape (C, *spatial)."""
        return [self.limits(finite(channel)) for channel in image]

    def border(self, gray: float | None, channels: int) -> tuple[float, ...]:
        """Return the normalized value of a border, one a channel.

        `gray` is on the scale of 8-bit values; without it the border is 0 after normalization.
        """
        return (0.0,) * channels

    def note(self, image: NDArray[np.generic], name: str) -> str:
        """Return what the user should know about the intensities of the image `name`, or ""."""
        return ""

    def __call__(
        self, image: NDArray[np.generic], limits: list[tuple[float, float]] | None = None
    ) -> NDArray[np.float32]:
        """Return the normalized image; NaN and infinities become its smallest finite value.

        `limits` are those of the whole image, of which this may be a part.
        """
        out = np.empty(image.shape, np.float32)
        limits = self.fit(image) if limits is None else limits
        for channel, (offset, scale), target in zip(image, limits, out, strict=True):
            # In float64, since large offsets leave float32 no digits.
            filled = finite(channel, largest=scale < 0)
            target[...] = (filled.astype(np.float64) - offset) / scale
        return out


class Percentile(Normalizer):
    """Scale so that two percentiles become 0 and 1, without clipping.

    With `inverted` they become 1 and 0, for dark objects on a bright background.
    """

    name: Literal["percentile"] = "percentile"
    low: float = Field(1.0, ge=0, le=100)
    high: float = Field(99.8, ge=0, le=100)
    inverted: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Percentile:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def limits(self, channel: NDArray[np.generic]) -> tuple[float, float]:
        low, high = np.percentile(_subsampled(channel).astype(np.float64), (self.low, self.high))
        if high <= low:
            low, high = float(channel.min()), float(channel.max())
        if self.inverted:
            low, high = high, low
        return float(low), float(high - low) or 1.0


class ZScore(Normalizer):
    """Scale to mean 0 and standard deviation 1."""

    name: Literal["z-score"] = "z-score"

    def limits(self, channel: NDArray[np.generic]) -> tuple[float, float]:
        return float(channel.mean(dtype=np.float64)), float(channel.std(dtype=np.float64)) or 1.0


class FixedWindow(Normalizer):
    """Scale so that two fixed intensities become 0 and 1.

    With `clip`, values outside become 0 and 1, too.
    """

    low: float
    high: float
    clip: bool = Field(False, exclude_if=lambda clip: not clip)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def limits(self, channel: NDArray[np.generic]) -> tuple[float, float]:
        return self.low, self.high - self.low

    def __call__(
        self, image: NDArray[np.generic], limits: list[tuple[float, float]] | None = None
    ) -> NDArray[np.float32]:
        """Return the normalized image, clipped if that is set."""
        out = super().__call__(image, limits)
        return np.clip(out, 0, 1, out=out) if self.clip else out


class Window(FixedWindow):
    """A fixed window of any intensities, such as that of a planned training."""

    name: Literal["window"] = "window"


class Hounsfield(FixedWindow):
    """A fixed window of Hounsfield units, in CT that may be stored without its rescale intercept.

    Air is -1000 HU. An image without any value below -200 is taken as HU + 1000.
    """

    name: Literal["hounsfield"] = "hounsfield"

    def limits(self, channel: NDArray[np.generic]) -> tuple[float, float]:
        offset = 0 if _shows_air(channel) else _STORED
        return self.low + offset, self.high - self.low

    def note(self, image: NDArray[np.generic], name: str) -> str:
        """Say that values were taken as HU + 1000."""
        if any(_shows_air(finite(channel)) for channel in image):
            return ""
        return (
            f"No value of {name} is below {_AIR:g} HU (the smallest is {image.min():.4g}): its "
            f"values are read as HU + {_STORED:g}. If that is wrong, convert it to Hounsfield units"
        )


class Identity(Normalizer):
    """Leave the intensities as they are."""

    name: Literal["identity"] = "identity"

    def limits(self, channel: NDArray[np.generic]) -> tuple[float, float]:
        return 0.0, 1.0


class Operations(Normalizer):
    """Operations one after the other, as the authors of a model state them."""

    name: Literal["operations"] = "operations"
    steps: tuple[AnyStep, ...] = ()

    def fit(self, image: NDArray[np.generic]) -> Any:
        """Return the operations with the statistics of a whole image, shape (C, *spatial)."""
        values, found = _filled(image), list[Operation]()
        for step in self.steps:
            found.append(step.fitted(values))
            values = found[-1](values)
        return found

    def __call__(self, image: NDArray[np.generic], limits: Any = None) -> NDArray[np.float32]:
        """Return the normalized image, after `limits`, the fitted operations."""
        return applied(tuple(self.fit(image) if limits is None else limits), _filled(image))


class NnUNet(Normalizer):
    """Scale each channel as nnU-Net does, by statistics of the box around what is not 0."""

    name: Literal["nnu-net"] = "nnu-net"
    channels: tuple[Scheme, ...] = Field(min_length=1)

    def fit(self, image: NDArray[np.generic]) -> list[tuple[float, float]]:
        """Return the limits of each channel of a whole image, shape (C, *spatial)."""
        return fitted_limits(_filled(image), self.channels)

    def __call__(
        self, image: NDArray[np.generic], limits: list[tuple[float, float]] | None = None
    ) -> NDArray[np.float32]:
        """Return the normalized image; NaN and infinities become its smallest finite value."""
        filled = _filled(image)
        limits = fitted_limits(filled, self.channels) if limits is None else limits
        return scaled(filled, self.channels, limits)


class Standard(Normalizer):
    """Scale 8-bit values, subtract means and divide by standard deviations.

    As networks trained on photographs want it. Images of other types, whose values lie in another
    range, are first scaled to 0..255, all channels alike, and clipped.

    Attributes
    ----------
    scale : float
        Factor of the 8-bit values.
    mean, std : tuple of float
        One number for each channel, in the order of the network's, or one for all.
    """

    name: Literal["standard"] = "standard"
    scale: float = Field(1 / 255, gt=0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    @model_validator(mode="after")
    def _per_channel(self) -> Standard:
        if not self.mean or not self.std:
            raise ValueError("mean and std must have one number for each channel, or one for all")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, not {self.std}")
        return self

    def for_any_channels(self) -> Standard:
        """Return the normalizer with the averages of its numbers, for other channels."""
        mean, std = (sum(numbers) / len(numbers) for numbers in (self.mean, self.std))
        return Standard(scale=self.scale, mean=(mean,), std=(std,))

    def fit(self, image: NDArray[np.generic]) -> list[tuple[float, float]]:
        """Return the limits of each channel of a whole image, shape (C, *spatial)."""
        low, high = eight_bit_range(image)
        unit = (high - low) / 255
        pairs = zip(self._of(self.mean, len(image)), self._of(self.std, len(image)), strict=True)
        return [(low + m / self.scale * unit, s / self.scale * unit) for m, s in pairs]

    def __call__(
        self, image: NDArray[np.generic], limits: list[tuple[float, float]] | None = None
    ) -> NDArray[np.float32]:
        """Return the normalized image, clipped to what 8-bit values can become."""
        out = super().__call__(image, limits)
        if image.dtype == np.uint8:
            return out
        pairs = zip(self._of(self.mean, len(image)), self._of(self.std, len(image)), strict=True)
        for channel, (mean, std) in zip(out, pairs, strict=True):
            np.clip(channel, -mean / std, (255 * self.scale - mean) / std, out=channel)
        return out

    def border(self, gray: float | None, channels: int) -> tuple[float, ...]:
        """Return the normalized value of a border of that 8-bit value, one a channel."""
        if gray is None:
            return (0.0,) * channels
        pairs = zip(self._of(self.mean, channels), self._of(self.std, channels), strict=True)
        return tuple((gray * self.scale - mean) / std for mean, std in pairs)

    def note(self, image: NDArray[np.generic], name: str) -> str:
        """Say that values were scaled to 8 bits."""
        low, high = eight_bit_range(image)
        if (low, high) in ((0, 255), (0, 1)) or low == high:
            return ""
        return (
            f"The network takes 8-bit values, but {name} is of type {image.dtype}: {low:.4g} to "
            f"{high:.4g} become 0 to 255"
        )

    def _of(self, numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
        return numbers * channels if len(numbers) == 1 else numbers


AnyNormalizer = Annotated[
    Percentile | ZScore | Window | Hounsfield | Identity | Standard | Operations | NnUNet,
    Field(discriminator="name"),
]


def eight_bit_range(image: NDArray[np.generic]) -> tuple[float, float]:
    """Return the values that become 0 and 255 in an image of 8 bits, shape (C, *spatial).

    8-bit images stay as they are, and so do others that use more than half of 0 to 255, or (floats,
    as in scikit-image) of 0 to 1. The range of all others is from percentile 0.1 to 99.9.
    """
    if image.dtype == np.uint8:
        return 0.0, 255.0
    whole = finite(image)
    low, high = float(whole.min()), float(whole.max())
    for full in (255.0, 1.0) if whole.dtype.kind == "f" else (255.0,):
        if low >= 0 and full / 2 < high <= full:
            return 0.0, full
    sample = np.concatenate([_subsampled(channel).ravel() for channel in whole])
    inner_low, inner_high = np.percentile(sample.astype(np.float64), (0.1, 99.9))
    if inner_low < inner_high:
        return float(inner_low), float(inner_high)
    return low, high if high > low else low + 1


def finite(channel: NDArray[np.generic], *, largest: bool = False) -> NDArray[np.generic]:
    """Return `channel` with NaN and infinities replaced by its smallest finite value (or 0).

    By its largest one if `largest`.
    """
    if not np.issubdtype(channel.dtype, np.floating):
        return channel
    good = np.isfinite(channel)
    if good.all():
        return channel
    if not good.any():
        return np.zeros_like(channel)
    values = channel[good]
    return np.where(good, channel, values.max() if largest else values.min())


def _shows_air(channel: NDArray[np.generic]) -> bool:
    return bool(channel.min() < _AIR)


def _subsampled(channel: NDArray[np.generic]) -> NDArray[np.generic]:
    step = max(1, round((channel.size / _SAMPLES) ** (1 / channel.ndim)))
    return channel[(slice(None, None, step),) * channel.ndim]


def _filled(image: NDArray[np.generic]) -> NDArray[Any]:
    """Return an image (C, *spatial) as floats, without NaN and infinities."""
    return np.stack([finite(channel) for channel in image]).astype(np.float32)
