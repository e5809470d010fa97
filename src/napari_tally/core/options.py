"""The base of all options, and how front ends offer their fields.

A field is declared once: name, type, limits, default and `Field(description=...)`. Command-line
flags, forms of the docks and tables in the docs are generated from `option_fields`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Options(BaseModel):
    """A small frozen value with behaviour, which can be saved as JSON.

    Unknown fields are refused, so that a misspelt option is an error and not a default. Former
    names of a field (`Offer.aliases`) are accepted with a note, so that saved options stay valid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _accept_former_names(cls, values: Any) -> Any:
        return with_current_names(cls, values) if isinstance(values, dict) else values


@dataclass(frozen=True, slots=True)
class Offer:
    """How front ends offer a field, beyond its name, type and description.

    Add it to the annotation: `tta: Annotated[bool, Offer(aliases=("augment",))]`.

    Attributes
    ----------
    label : str
        Label in forms. Default: its name in words.
    flag : str
        Name on the command line. Default: that of the field.
    aliases : tuple of str
        Former names: accepted with a note, but not shown.
    advanced : bool
        Whether forms fold it away.
    hidden : bool
        Whether only programs set it: no flag, no row in forms.
    choices : callable, optional
        Returns the accepted names when they are shown, such as those of a registry.
    only : tuple of str
        For a field that holds options itself: the fields to offer. Default: all.
    """

    label: str = ""
    flag: str = ""
    aliases: tuple[str, ...] = ()
    advanced: bool = False
    hidden: bool = False
    choices: Callable[[], Iterable[str]] | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionField:
    """One field of options, as flags, forms and tables show it.

    Attributes
    ----------
    name : str
        Name of the field and of the Python argument.
    type : type
        Type of its values, without None; of one element if `many`.
    many : bool
        Whether it takes several values.
    required, default
        Whether it must be given; else its default.
    description : str
        One or two sentences.
    low, high : float, optional
        Limits; `open_low` and `open_high`: whether they are excluded.
    choices : tuple of str
        Accepted values, if they can be listed.
    offer : Offer
        How front ends offer it.
    """

    name: str
    type: Any
    many: bool
    required: bool
    default: Any
    description: str
    low: float | None
    high: float | None
    open_low: bool
    open_high: bool
    choices: tuple[str, ...]
    offer: Offer

    @property
    def label(self) -> str:
        """Its label in forms: "Object size"."""
        return self.offer.label or self.name.replace("_", " ").capitalize()

    @property
    def flag(self) -> str:
        """Its name on the command line: "--object-size"."""
        return "--" + (self.offer.flag or self.name).replace("_", "-")

    @property
    def limits(self) -> str:
        """Its limits in words: "from 0 to 1", "above 0", or ""."""
        if self.low is not None and self.high is not None and not (self.open_low or self.open_high):
            return f"{self.low:g} to {self.high:g}"
        low = f"{'above' if self.open_low else 'at least'} {self.low or 0:g}"
        high = f"{'below' if self.open_high else 'up to'} {self.high or 0:g}"
        parts = (low if self.low is not None else "", high if self.high is not None else "")
        return " and ".join(filter(None, parts))


def option_fields(model: type[Options]) -> tuple[OptionField, ...]:
    """Return the fields of options in order, hidden ones included."""
    return tuple(_option_field(name, info) for name, info in model.model_fields.items())


def with_current_names(model: type[Options], values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace former names of fields by the current ones."""
    former = _former_names(model)
    renamed = dict(values)
    for name in former.keys() & values.keys():
        if former[name] not in values:
            renamed[former[name]] = renamed.pop(name)
            note_rename(name, former[name])
    return renamed


@cache
def _former_names(model: type[Options]) -> dict[str, str]:
    return {alias: f.name for f in option_fields(model) for alias in f.offer.aliases}


@cache
def note_rename(former: str, current: str) -> None:
    """Log once that a name has changed."""
    logging.getLogger(__name__).warning("%s is now %s.", former, current)


def _option_field(name: str, info: FieldInfo) -> OptionField:
    offer = next((m for m in info.metadata if isinstance(m, Offer)), Offer())
    kind, many, choices = _kind(info.annotation)
    if offer.choices is not None:
        choices = tuple(offer.choices())
    low, open_low = _limit(info, annotated_types.Gt, annotated_types.Ge)
    high, open_high = _limit(info, annotated_types.Lt, annotated_types.Le)
    required = info.is_required()
    default = None if required else info.get_default(call_default_factory=True)
    return OptionField(
        name=name, type=kind, many=many, required=required, default=default,
        description=info.description or "", low=low, high=high, open_low=open_low,
        open_high=open_high, choices=choices, offer=offer,
    )  # fmt: skip


def _kind(annotation: Any) -> tuple[Any, bool, tuple[str, ...]]:
    """Return the type of a field without None, whether it takes several, and its choices."""
    origin, args = get_origin(annotation), [a for a in get_args(annotation) if a is not NoneType]
    if origin in (Union, UnionType):
        if len(args) == 1:
            return _kind(args[0])
        named = tuple(_tag(a) for a in args)
        return (
            (Options, False, named) if all(named) else (str if str in args else args[0], False, ())
        )
    if origin is Literal:
        return type(args[0]), False, tuple(map(str, args))
    if origin is tuple:
        kind, _, choices = _kind(args[0])
        return kind, True, choices
    return (origin or annotation), False, ()


def _tag(kind: Any) -> str:
    """Return the default of the field `name` of a class of options, or ""."""
    fields = getattr(kind, "model_fields", {})
    return str(fields["name"].default) if "name" in fields else ""


def _limit(info: FieldInfo, opened: type, closed: type) -> tuple[float | None, bool]:
    """Return a limit of a field, and whether it is excluded."""
    for each in info.metadata:
        if isinstance(each, opened | closed):
            return float(getattr(each, type(each).__name__.lower())), isinstance(each, opened)
    return None, False
