"""Operations on the intensities of inputs and outputs, as BioImage.IO names and defines them.

https://bioimage.io/docs/#/guides/developers-guide: pre- and post-processing, in their order.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.options import Options

Array = NDArray[Any]


class Operation(Options):
    """Maps an array (C, *spatial) to one of the same shape."""

    def fitted(self, image: Array) -> Operation:
        """Return the operation with the statistics of a whole image in place of formulas."""
        return self

    def __call__(self, image: Array) -> Array:
        """Return the changed array."""
        raise NotImplementedError


class Linear(Operation):
    """Multiply by `gain` and add `offset`: one number for all channels, or one for each."""

    name: Literal["scale_linear"] = "scale_linear"
    gain: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)

    def __call__(self, image: Array) -> Array:
        return image * _across(self.gain, image) + _across(self.offset, image)


class FixedZeroMean(Operation):
    """Subtract a given mean and divide by a given standard deviation."""

    name: Literal["fixed_zero_mean_unit_variance"] = "fixed_zero_mean_unit_variance"
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @model_validator(mode="after")
    def _divides(self) -> FixedZeroMean:
        if not self.std or min(self.std) <= 0:
            raise ValueError(f"std must be positive, not {self.std}")
        return self

    def __call__(self, image: Array) -> Array:
        return (image - _across(self.mean, image)) / _across(self.std, image)


class _Statistical(Operation):
    """An operation by statistics of the whole image, of each channel or of all together."""

    together: bool = Field(False, description="Whether all channels have the same statistics.")
    eps: float = Field(1e-6, gt=0)

    def fitted(self, image: Array) -> Operation:
        parts = [image] if self.together else list(image)
        low, span = zip(*(self.limits(part) for part in parts), strict=True)
        return FixedZeroMean(mean=low, std=tuple(s + self.eps for s in span))

    def limits(self, part: Array) -> tuple[float, float]:
        """Return what is subtracted, and by what is divided."""
        raise NotImplementedError

    def __call__(self, image: Array) -> Array:
        return self.fitted(image)(image)


class ZeroMean(_Statistical):
    """Scale to mean 0 and variance 1."""

    name: Literal["zero_mean_unit_variance"] = "zero_mean_unit_variance"

    def limits(self, part: Array) -> tuple[float, float]:
        return float(part.mean(dtype=np.float64)), float(part.std(dtype=np.float64))


class ScaleRange(_Statistical):
    """Scale so that two percentiles become 0 and 1."""

    name: Literal["scale_range"] = "scale_range"
    min_percentile: float = Field(0.0, ge=0, lt=100)
    max_percentile: float = Field(100.0, gt=1, le=100)

    def limits(self, part: Array) -> tuple[float, float]:
        low, high = np.percentile(part, (self.min_percentile, self.max_percentile))
        return float(low), float(high - low)


class Clip(Operation):
    """Limit the values."""

    name: Literal["clip"] = "clip"
    min: float | None = None
    max: float | None = None

    def __call__(self, image: Array) -> Array:
        return image if self.min is self.max is None else np.clip(image, self.min, self.max)


class Binarize(Operation):
    """Set values above a threshold to 1, others to 0."""

    name: Literal["binarize"] = "binarize"
    threshold: tuple[float, ...]

    def __call__(self, image: Array) -> Array:
        return (image > _across(self.threshold, image)).astype(np.float32)


class Sigmoid(Operation):
    """Apply 1 / (1 + exp(-x))."""

    name: Literal["sigmoid"] = "sigmoid"

    def __call__(self, image: Array) -> Array:
        return 0.5 * (np.tanh(0.5 * image) + 1)


class Softmax(Operation):
    """Apply the softmax over the channels."""

    name: Literal["softmax"] = "softmax"

    def __call__(self, image: Array) -> Array:
        powers = np.exp(image - image.max(axis=0, keepdims=True))
        found: Array = powers / powers.sum(axis=0, keepdims=True)
        return found


class EnsureDtype(Operation):
    """Convert to a type and back to float32: whole numbers are cut off."""

    name: Literal["ensure_dtype"] = "ensure_dtype"
    dtype: Literal[
        "bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32",
        "float64",
    ]  # fmt: skip

    def __call__(self, image: Array) -> Array:
        return image.astype(self.dtype).astype(np.float32)


AnyOperation = Annotated[
    EnsureDtype
    | Linear
    | FixedZeroMean
    | ZeroMean
    | ScaleRange
    | Clip
    | Binarize
    | Sigmoid
    | Softmax,
    Field(discriminator="name"),
]


def applied(operations: tuple[Operation, ...], image: Array) -> NDArray[np.float32]:
    """Apply operations to an array (C, *spatial), one after the other."""
    values: Array = np.asarray(image, np.float32)
    for operation in operations:
        values = operation(values)
    return np.ascontiguousarray(values, np.float32)


def _across(numbers: tuple[float, ...], image: Array) -> Array:
    """Return numbers, one a channel or one for all, in the shape of an array (C, ...)."""
    return np.asarray(numbers, np.float32).reshape(-1, *(1,) * (image.ndim - 1))
