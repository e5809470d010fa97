"""Norms and activations of imported networks, as MONAI names them: a name, or with arguments."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

_NORMS = ("batch", "instance", "group", "layer", "syncbatch", "localresponse")
_ACTIVATIONS = (
    "elu", "relu", "leakyrelu", "prelu", "relu6", "selu", "celu", "gelu", "sigmoid", "tanh",
    "softmax", "swish", "memswish", "mish", "geglu", "softplus",
)  # fmt: skip
Plain = bool | int | float | None
Choice = str | tuple[str, dict[str, Plain]]


def _lower(value: Any) -> Any:
    """Return a choice in lower case; `["NAME", {}]` becomes `"name"`."""
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, list | tuple) and value and isinstance(value[0], str):
        name, arguments = value[0].lower(), value[1] if len(value) > 1 else {}
        return (name, arguments) if arguments else name
    return value


def _known(names: tuple[str, ...]) -> Any:
    def check(choice: Choice) -> Choice:
        name = choice if isinstance(choice, str) else choice[0]
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(names)}")
        return choice

    return check


AnyNorm = Annotated[Choice, BeforeValidator(_lower), AfterValidator(_known(_NORMS))]
AnyActivation = Annotated[Choice, BeforeValidator(_lower), AfterValidator(_known(_ACTIVATIONS))]


def imported(default: Any, description: str) -> Any:
    """Return a field that only imported networks set: it is left out while it has its default.

    So descriptions of our own networks, and the names of their stored graphs, stay as they are.
    """
    return Field(default, description=description, exclude_if=lambda value: value == default)
