"""A command: a function whose options become flags, and the former names of its flags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from .options import former_flags, models_of, with_flags
from .run import say

Images = Annotated[
    list[str],
    typer.Argument(metavar="IMAGES", help="Files, folders or patterns such as 'a/*.tif'."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run the model's file although it can hold code (TorchScript)."),
]
ARGUMENT = ""  # in place of a flag: the value is now an argument


@dataclass(frozen=True)
class Command:
    """A command that is built on first use, since its options are slow to import.

    Attributes
    ----------
    function : callable
        The function to run. Its docstring is the help.
    former : mapping
        Former names of flags that are not fields of options, with the current name or `ARGUMENT`.
    """

    function: Callable[..., Any]
    former: Mapping[str, str] = field(default_factory=dict)

    def made(self, name: str) -> Any:
        """Return the click command."""
        single = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        single.command(name, cls=_Command, no_args_is_help=_needs_arguments(self.function))(
            with_flags(self.function)
        )
        made: Any = get_command(single)
        for parameter in made.params:
            if parameter.param_type_name == "argument":  # recent typer shows "<list[Path]>"
                parameter.display_type_rich = lambda ctx: None
        made.former = {**former_flags(self.function), **self.former}
        return made


def command(
    former: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Command]:
    """Turn a function into a command."""
    return lambda function: Command(function, former or {})


def _needs_arguments(function: Callable[..., Any]) -> bool:
    options = models_of(function)
    parameters = signature(function).parameters.items()
    return any(p.default is p.empty for name, p in parameters if name not in options)


class _Command(TyperCommand):
    former: Mapping[str, str] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(renamed(args, self.former)))


def renamed(args: Iterable[str], former: Mapping[str, str]) -> Iterator[str]:
    """Yield arguments with former flags replaced; note it on stderr."""
    rest = iter(args)
    for arg in rest:
        name, equals, value = arg.partition("=")
        if arg == "--":
            yield arg
            yield from rest
        elif name not in former:
            yield arg
        elif former[name] == ARGUMENT:
            say(f"{name} is no longer needed: give its value alone.", err=True)
            yield from [value] if equals else []
        else:
            say(f"{name} is now {former[name]}.", err=True)
            yield former[name] + equals + value
