"""Flags of the command line, made from the fields of options.

A command takes options as an argument, `options: SegmentOptions`; on the command line each field
is a flag, with the field's name, description, limits and default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, isclass, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..core.checked_options import checked, is_nested
from ..core.errors import InputError
from ..core.failures import keep_log
from ..core.options import OptionField, Options, option_fields
from .run import usage, write_notes

_METAVARS = {int: "INTEGER", float: "NUMBER", Path: "PATH", dict: "NAME=NUMBER"}
_MANY = 6  # longer defaults are abbreviated


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag of a field, possibly of nested options.

    Attributes
    ----------
    path : tuple of str
        Names of the nested fields: ("tiling", "tile").
    """

    path: tuple[str, ...]
    field: OptionField

    @property
    def metavar(self) -> str | None:
        """The placeholder for its value in the help: "INTEGER" or "[auto|slices]"."""
        field = self.field
        if field.many:
            return {int: "INTEGER,...", float: "NUMBER,..."}.get(field.type, "NAME,...")
        return f"[{'|'.join(field.choices)}]" if field.choices else _metavar(field)

    @property
    def help(self) -> str:
        """The field's description with its limits and its default."""
        default = self.default
        facts = [self.field.limits, f"default: {default}" if default else ""]
        shown = "; ".join(filter(None, facts))
        return f"{self.field.description}{f'  [{shown}]' if shown else ''}"

    @property
    def default(self) -> str:
        """The default as written on the command line, or "" if there is none to show."""
        value = self.field.default
        if isinstance(value, Options):
            value = getattr(value, "name", "")
        if isinstance(value, tuple):
            texts = [str(each) for each in value]
            return ",".join([*texts[:2], "...", texts[-1]] if len(texts) > _MANY else texts)
        return "" if value is None or value == {} or isinstance(value, bool) else str(value)

    def parameter(self, name: str) -> Parameter:
        """Return its parameter of a command, which is text that the options validate."""
        kind: Any = {bool: bool, dict: list[str]}.get(self.field.type, str)
        metavar = None if kind is bool else self.metavar
        off = f"/--no-{self.field.flag[2:]}" if self.field.default is True else ""
        option = typer.Option(self.field.flag + off, help=self.help, metavar=metavar)
        annotation = Annotated[kind | None, option]
        return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)

    def read(self, given: Any) -> Any:
        """Parse the text given for the flag."""
        if self.field.many:
            return [part.strip() for part in given.split(",")]
        if self.field.type is dict:
            return self._numbers(given)
        if self.field.type is int and self.field.choices and given.isdecimal():
            return int(given)
        return given

    def _numbers(self, pairs: list[str]) -> dict[str, float]:
        try:
            return {name.strip(): float(value) for name, value in (p.split("=") for p in pairs)}
        except ValueError:
            raise InputError(
                f"{self.field.flag} takes NAME=NUMBER, not {', '.join(pairs)}"
            ) from None


def _metavar(field: OptionField) -> str:
    return _METAVARS.get(field.type, "TEXT")


def flags_of(model: type[Options], only: tuple[str, ...] = ()) -> Iterator[Flag]:
    """Yield the flags of options, including those of nested options."""
    for field in option_fields(model):
        if field.offer.hidden or (only and field.name not in only):
            continue
        if is_nested(field):
            for flag in flags_of(field.type, field.offer.only):
                yield Flag((field.name, *flag.path), flag.field)
        else:
            yield Flag((field.name,), field)


def models_of(function: Callable[..., Any]) -> dict[str, type[Options]]:
    """Return the options models of a command by argument name."""
    hints = get_type_hints(function, include_extras=True)
    return {name: h for name, h in hints.items() if isclass(h) and issubclass(h, Options)}


def former_flags(function: Callable[..., Any]) -> dict[str, str]:
    """Return the former names of a command's flags, with the current ones."""
    fields = [flag.field for model in models_of(function).values() for flag in flags_of(model)]
    return {f"--{former}": f.flag for f in fields for former in f.offer.aliases}


def with_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command whose options are replaced by flags."""
    models = models_of(function)
    hints = get_type_hints(function, include_extras=True)
    flags = {
        f"{name}__{'__'.join(flag.path)}": (name, flag)
        for name, model in models.items()
        for flag in flags_of(model)
    }
    parameters: list[Parameter] = []
    for name, parameter in signature(function).parameters.items():
        if name in models:
            parameters += [f.parameter(key) for key, (of, f) in flags.items() if of == name]
        else:
            own = {"kind": Parameter.KEYWORD_ONLY, "annotation": hints[name]}
            parameters.append(parameter.replace(**own))

    @wraps(function)
    def command(**given: Any) -> Any:
        values: dict[str, dict[str, Any]] = {name: {} for name in models}
        with usage():
            for key, (name, flag) in flags.items():
                text = given.pop(key)
                if text is not None and text != []:
                    _put(values[name], flag.path, flag.read(text))
            options = {
                name: checked(models[name], own, lambda field: field.flag)
                for name, own in values.items()
            }
        output = given.get("output") or given.get("target")
        if output is not None:
            keep_log(Path(output).parent)
        try:
            return function(**given, **options)
        finally:
            write_notes()

    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value
