"""Validate options from a user: errors name the option, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from .errors import InputError, TallyError, unknown_name
from .options import OptionField, Options, option_fields

T = TypeVar("T", bound=Options)

_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text"}
_CHOICE = ("literal_error", "union_tag_invalid")


def checked(
    model: type[T], values: Mapping[str, Any], spelled: Callable[[OptionField], str] | None = None
) -> T:
    """Validate values and return the options.

    Parameters
    ----------
    spelled : callable, optional
        Returns the user's name for a field, such as its flag. Default: its name.

    Raises
    ------
    InputError
        If an option is unknown, or does not accept its value.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise refusal(model, error, spelled or (lambda field: field.name)) from None


def refusal(
    model: type[Options], error: ValidationError, spelled: Callable[[OptionField], str]
) -> InputError:
    """Return the first of pydantic's errors as a sentence about that option."""
    first = error.errors()[0]
    field, holder = _innermost(model, first["loc"])
    if first["type"] == "extra_forbidden":
        known = [each.name for each in option_fields(holder)]
        return unknown_name("option", str(first["loc"][-1]), known)
    cause = first.get("ctx", {}).get("error", str(first["msg"]).rstrip("."))
    if field is None:
        return cause if isinstance(cause, InputError) else InputError(str(cause))
    if isinstance(cause, TallyError):
        return InputError(f"{spelled(field)}: {cause.problem}", hint=cause.hint)
    if field.choices and first["type"] in _CHOICE:
        given = first["input"]
        given = given.get("name") if isinstance(given, dict) else given
        return unknown_name(spelled(field), str(given), field.choices)
    return InputError(f"{spelled(field)}{_complaint(field, first, str(cause))}")


def _complaint(field: OptionField, first: Any, cause: str) -> str:
    """Return what is wrong with a value: " must be above 0, not -1"."""
    kind, _, what = str(first["type"]).partition("_")
    if first["type"] == "missing":
        return " is required"
    if field.limits and kind in ("greater", "less"):
        wanted = f"{'from ' * field.limits[0].isdigit()}{field.limits}"
    elif kind in _KINDS and what in ("parsing", "type", "from_float"):
        wanted = _several(kind) if field.many else _KINDS[kind]
    else:
        return f": {cause}"
    return f" must be {wanted}, not {first['input']}"


def _several(kind: str) -> str:
    return f"{'whole ' * (kind == 'int')}numbers separated by commas"


def _innermost(
    model: type[Options], path: Iterable[Any]
) -> tuple[OptionField | None, type[Options]]:
    """Return the innermost option on a path from pydantic, and the options that contain it."""
    innermost = None
    for part in path:
        field = next((f for f in option_fields(model) if f.name == part), None)
        if field is None:
            break
        innermost = field
        if not is_nested(field):
            break
        model = field.type
    return innermost, model


def is_nested(field: OptionField) -> bool:
    """Return whether a field holds options itself, which are offered one by one."""
    return isinstance(field.type, type) and issubclass(field.type, Options) and not field.choices
