"""Operations on intensities as MONAI's transforms define them; statistics are of whole images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from .operations import AnyOperation, Array, Operation


class Window(Operation):
    """`ScaleIntensityRange`: map a range to another one, with or without clipping."""

    name: Literal["scale_window"] = "scale_window"
    a_min: float
    a_max: float
    b_min: float = 0.0
    b_max: float = 1.0
    clip: bool = False

    @model_validator(mode="after")
    def _spans(self) -> Window:
        if self.a_min == self.a_max:
            raise ValueError(f"the range from {self.a_min} to {self.a_max} is empty")
        return self

    @property
    def is_usual(self) -> bool:
        """Whether an ascending range becomes 0 to 1."""
        return (self.b_min, self.b_max) == (0, 1) and self.a_min < self.a_max

    def __call__(self, image: Array) -> Array:
        scaled = (image - np.float32(self.a_min)) / np.float32(self.a_max - self.a_min)
        scaled = scaled * np.float32(self.b_max - self.b_min) + np.float32(self.b_min)
        return np.clip(scaled, self.b_min, self.b_max) if self.clip else scaled


class ScaleIntensity(Operation):
    """`ScaleIntensity`: the smallest and largest value become `minv` and `maxv`.

    Of all channels together, or of each. With `limits`, one pair a channel, these are used.
    """

    name: Literal["scale_intensity"] = "scale_intensity"
    minv: float = 0.0
    maxv: float = 1.0
    channel_wise: bool = False
    limits: tuple[tuple[float, float], ...] = ()

    def fitted(self, image: Array) -> Operation:
        parts = list(image) if self.channel_wise else [image]
        limits = tuple((float(part.min()), float(part.max())) for part in parts)
        return self.model_copy(update={"limits": limits})

    def __call__(self, image: Array) -> Array:
        if not self.limits:
            return self.fitted(image)(image)
        limits = self.limits * (1 if self.channel_wise else len(image))
        return np.stack([self._scaled(c, *each) for c, each in zip(image, limits, strict=True)])

    def _scaled(self, part: Array, low: float, high: float) -> Array:
        if low == high:
            return part * np.float32(self.minv)
        scaled: Array = (part - np.float32(low)) / np.float32(high - low)
        return scaled * np.float32(self.maxv - self.minv) + np.float32(self.minv)


class NormalizeIntensity(Operation):
    """`NormalizeIntensity`: subtract the mean and divide by the standard deviation.

    Attributes
    ----------
    nonzero : bool
        Whether only voxels that are not 0 count and are changed.
    channel_wise : bool
        Whether each channel has its own statistics.
    subtrahend, divisor : tuple of float
        One for each channel or one for all; the statistics of the image if empty.
    """

    name: Literal["normalize_intensity"] = "normalize_intensity"
    nonzero: bool = False
    channel_wise: bool = False
    subtrahend: tuple[float, ...] = ()
    divisor: tuple[float, ...] = ()

    def fitted(self, image: Array) -> Operation:
        parts = list(image) if self.channel_wise else [image]
        used = [part[part != 0] if self.nonzero else part.ravel() for part in parts]
        means = tuple(float(v.mean(dtype=np.float64)) if v.size else 0.0 for v in used)
        stds = tuple(float(v.std(dtype=np.float64)) if v.size else 1.0 for v in used)
        given = {"subtrahend": self.subtrahend or means, "divisor": self.divisor or stds}
        return self.model_copy(update=given)

    def __call__(self, image: Array) -> Array:
        if not (self.subtrahend and self.divisor):
            return self.fitted(image)(image)
        ones = (1,) * (image.ndim - 1)
        mean = np.asarray(self.subtrahend, np.float32).reshape(-1, *ones)
        std = np.asarray([d or 1.0 for d in self.divisor], np.float32).reshape(-1, *ones)
        scaled: Array = (image - mean) / std
        return np.where(image != 0, scaled, image) if self.nonzero else scaled


class ScalePercentiles(Operation):
    """`ScaleIntensityRangePercentiles`: two percentiles become `b_min` and `b_max`."""

    name: Literal["scale_percentiles"] = "scale_percentiles"
    lower: float = Field(ge=0, le=100)
    upper: float = Field(ge=0, le=100)
    b_min: float = 0.0
    b_max: float = 1.0
    clip: bool = False
    relative: bool = False
    channel_wise: bool = False
    windows: tuple[Window, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> ScalePercentiles:
        if self.lower >= self.upper:
            raise ValueError(f"lower ({self.lower}) must be below upper ({self.upper})")
        return self

    def fitted(self, image: Array) -> Operation:
        parts = list(image) if self.channel_wise else [image]
        return self.model_copy(update={"windows": tuple(self._window(part) for part in parts)})

    def _window(self, part: Array) -> Window:
        low, high = (float(v) for v in np.percentile(part, (self.lower, self.upper)))
        b_min, b_max = self.b_min, self.b_max
        if self.relative:
            span = self.b_max - self.b_min
            b_min, b_max = span * self.lower / 100 + b_min, span * self.upper / 100 + b_min
        high = high if high > low else low + 1.0
        return Window(a_min=low, a_max=high, b_min=b_min, b_max=b_max, clip=self.clip)

    def __call__(self, image: Array) -> Array:
        if not self.windows:
            return self.fitted(image)(image)
        windows = self.windows * (1 if self.channel_wise else len(image))
        return np.stack([w(channel) for w, channel in zip(windows, image, strict=True)])


AnyStep: Any = Annotated[
    AnyOperation
    | Annotated[
        Window | ScaleIntensity | NormalizeIntensity | ScalePercentiles,
        Field(discriminator="name"),
    ],
    Field(discriminator="name"),
]
