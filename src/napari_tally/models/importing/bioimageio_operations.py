"""Pre- and post-processing of BioImage.IO descriptions as operations of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ...core.errors import ModelError, printable, sentence
from ...network.operations import AnyOperation, Operation

if TYPE_CHECKING:
    from .bioimageio_description import Processing, TensorEntry

KNOWN = (
    "ensure_dtype", "zero_mean_unit_variance", "fixed_zero_mean_unit_variance", "scale_linear",
    "scale_range", "clip", "binarize", "sigmoid", "softmax",
)  # fmt: skip
_BY_STATISTICS = ("zero_mean_unit_variance", "scale_range")
_NUMBERS = ("gain", "offset", "mean", "std", "threshold")  # one, or one a channel
_KEPT = ("dtype", "eps", "min_percentile", "max_percentile", "min", "max", *_NUMBERS)
_OPERATION: TypeAdapter[Operation] = TypeAdapter(AnyOperation)


def operations(steps: tuple[Processing, ...], of: TensorEntry) -> tuple[Operation, ...]:
    """Return the operations on an input or output.

    Raises
    ------
    ModelError
        If one is unknown, or has a form that is not supported.
    """
    return tuple(_operations(steps, of))


def _operations(steps: tuple[Processing, ...], of: TensorEntry) -> Iterator[Operation]:
    for step in steps:
        if step.id == "scale_mean_variance":
            raise ModelError(
                f"{of.id or 'An output'} is scaled to the intensities of an image "
                "(scale_mean_variance): it is an image, no segmentation"
            )
        if step.id not in KNOWN:
            raise ModelError(
                f"The model processes {of.id or 'an array'} with {printable(step.id)!r}, "
                "which is not supported",
                hint=f"Supported are {', '.join(KNOWN)}",
            )
        try:
            yield _OPERATION.validate_python(_of(step, of))
        except ValidationError as error:
            raise ModelError(
                f"The operation {step.id} on {of.id or 'an array'} is not valid: {sentence(error)}"
            ) from None


def _of(step: Processing, of: TensorEntry) -> dict[str, Any]:
    """Return an operation as plain values."""
    given, name = step.arguments, step.id
    if given.get("reference_tensor") not in (None, of.id):
        raise ModelError(
            f"The operation {name} on {of.id} takes statistics of {given['reference_tensor']}, "
            "which is not supported"
        )
    if name == "zero_mean_unit_variance" and given.get("mode") == "fixed":
        name = "fixed_zero_mean_unit_variance"
    values: dict[str, Any] = {key: given[key] for key in _KEPT if given.get(key) is not None}
    if name == "fixed_zero_mean_unit_variance":
        values.pop("eps", None)
    if name in _BY_STATISTICS:
        values = {k: v for k, v in values.items() if k not in _NUMBERS}
        values["together"] = _together(given.get("axes"), of, name)
    for key in _NUMBERS:
        if key in values:
            values[key] = _numbers(values[key], given, of, name)
    return {"name": name, **values}


def _together(axes: Any, of: TensorEntry, name: str) -> bool:
    """Return whether statistics are of all channels together."""
    if axes is None:
        return True
    listed = tuple(axes) if isinstance(axes, str) else tuple(map(str, axes))
    letters = {axis.letter for axis in of.axes if axis.name in listed or axis.letter in listed}
    space = {axis.letter for axis in of.axes if axis.letter in "zyx"}
    if not space <= letters:
        raise ModelError(
            f"The operation {name} on {of.id} is along {', '.join(listed)} alone, "
            "which is not supported"
        )
    return "c" in letters


def _numbers(value: Any, given: dict[str, Any], of: TensorEntry, name: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        return [value]
    axis = given.get("axis")
    channel = of.axis("c")
    if axis is not None and (channel is None or axis not in ("c", "channel", channel.name)):
        raise ModelError(
            f"The operation {name} on {of.id} has numbers along {axis}, which is not supported"
        )
    return _flat(value)


def _flat(value: Any) -> list[Any]:
    """Return the numbers of nested lists, such as [[[0.5]]]."""
    if isinstance(value, list | tuple):
        return [number for each in value for number in _flat(each)]
    return [value]
