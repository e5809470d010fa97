"""Normalizers and operations as BioImage.IO writes them."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError
from ...network.normalize import (
    Identity,
    Normalizer,
    Operations,
    Percentile,
    Standard,
    Window,
    ZScore,
)

if TYPE_CHECKING:
    from ...network.operations import Operation
    from ..preprocessing import Preprocessing

Step = dict[str, Any]
_NUMBERS = ("gain", "offset", "mean", "std", "threshold")
_FLOAT: Step = {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}


def pre_steps(preprocessing: Preprocessing, letters: str) -> list[Step]:
    """Return the steps of a normalizer, along the space axes `letters` of each channel."""
    return [_FLOAT, *_steps(preprocessing.normalizer, list(letters))]


def post_steps(operations: tuple[Operation, ...], letters: str) -> list[Step]:
    """Return operations on an output."""
    return [_step(operation, list(letters)) for operation in operations]


@singledispatch
def _steps(normalizer: Normalizer, axes: list[str]) -> list[Step]:
    raise ModelError(f"BioImage.IO has no form for the normalizer of the model: {normalizer}")


@_steps.register
def _(normalizer: Percentile, axes: list[str]) -> list[Step]:
    limits = {"min_percentile": normalizer.low, "max_percentile": normalizer.high}
    steps: list[Step] = [{"id": "scale_range", "kwargs": {"axes": axes, **limits, "eps": 1e-6}}]
    if normalizer.inverted:
        steps.append(_linear(-1.0, 1.0))
    return steps


@_steps.register
def _(normalizer: ZScore, axes: list[str]) -> list[Step]:
    return [{"id": "zero_mean_unit_variance", "kwargs": {"axes": axes, "eps": 1e-6}}]


@_steps.register
def _(normalizer: Window, axes: list[str]) -> list[Step]:
    span = normalizer.high - normalizer.low
    return [_linear(1 / span, -normalizer.low / span)]


@_steps.register
def _(normalizer: Identity, axes: list[str]) -> list[Step]:
    return []


@_steps.register
def _(normalizer: Standard, axes: list[str]) -> list[Step]:
    count = max(len(normalizer.mean), len(normalizer.std))
    mean, std = (n * count if len(n) == 1 else n for n in (normalizer.mean, normalizer.std))
    gain = [normalizer.scale / s for s in std]
    offset = [-m / s for m, s in zip(mean, std, strict=True)]
    return [_linear(gain[0], offset[0]) if count == 1 else _linear(gain, offset)]


@_steps.register
def _(normalizer: Operations, axes: list[str]) -> list[Step]:
    return [_step(operation, axes) for operation in normalizer.steps]


def _linear(gain: Any, offset: Any) -> Step:
    axis = {"axis": "channel"} if isinstance(gain, list) else {}
    return {"id": "scale_linear", "kwargs": {**axis, "gain": gain, "offset": offset}}


def _step(operation: Operation, axes: list[str]) -> Step:
    """Return one operation as a step."""
    values = operation.model_dump(mode="json", exclude_none=True)
    name, together = values.pop("name"), values.pop("together", None)
    if together is not None:
        values["axes"] = ["channel", *axes] if together else axes
    for key in set(_NUMBERS) & values.keys():
        numbers = values[key]
        values[key] = numbers[0] if len(numbers) == 1 else numbers
        if len(numbers) > 1:
            values["axis"] = "channel"
    if name == "softmax":
        values["axis"] = "channel"
    return {"id": name, "kwargs": values} if values else {"id": name}
