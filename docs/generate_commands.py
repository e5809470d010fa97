"""Write the reference of the command line from the commands themselves.

    python docs/generate_commands.py

The site is built with it; nothing is kept in the repository.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from napari_tally.cli.app import app

INTRO = """\
# Commands

`tally COMMAND --help` shows the same text. `napari-tally` and `python -m napari_tally` are other
names of `tally`. Inputs may be files, folders or patterns in quotes such as `'plate/*.tif'`.
[Options](options.md) has the limits of each option, and its name in Python.

The exit code is 0 if everything was done, 1 if some inputs failed, and 2 if the command line is
wrong. `--debug`, with any command, shows the traceback of every error.
"""
HEADER = ("Option", "Default", "What it does")


def page() -> str:
    """Return the whole page."""
    return "\n".join([INTRO, *commands("tally", get_command(app))])


def commands(name: str, group: Any) -> Iterator[str]:
    """Yield the sections of the commands in a group, those of groups inside of it too."""
    for word in group.commands:
        command = group.get_command(None, word)
        if getattr(command, "hidden", False):
            continue
        yield from section(f"{name} {word}", command)
        if hasattr(command, "commands"):
            yield from commands(f"{name} {word}", command)


def section(name: str, command: Any) -> Iterator[str]:
    """Yield the lines about one command."""
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    options = [p for p in shown if p.param_type_name == "option"]
    usage = " ".join([name, *map(placeholder, arguments), "[OPTIONS]" if options else ""])
    yield f"## {name}\n\n{help_of(command)}\n\n```text\n{usage.strip()}\n```\n"
    for each in arguments:
        yield f"- `{placeholder(each)}`: {getattr(each, 'help', None) or ''}"
    yield ""
    if options:
        yield from (row(HEADER), row(("---",) * len(HEADER)))
        yield from map(option_row, options)
        yield ""


def help_of(command: Any) -> str:
    """Return the help of a command, its example as code."""
    text = (command.help or "").replace("\b", "").strip()
    return re.sub(r"Example: (tally .+)", r"Example: `\1`", text)


def placeholder(argument: Any) -> str:
    """Return how usage shows an argument: `IMAGES...`."""
    name = (argument.metavar or argument.name).upper().removesuffix("...")
    return f"{name}..." if argument.nargs == -1 else name


def option_row(option: Any) -> str:
    """Return the row of a table about an option."""
    flags = ", ".join(f"`{flag}`" for flag in option.opts)
    default = "required" if option.required else default_of(option)
    return row((flags, default, (option.help or "") + choices_of(option)))


def default_of(option: Any) -> str:
    """Return the default of an option that is worth showing."""
    default = option.default
    plain = isinstance(default, str | int | float | Path) and not isinstance(default, bool)
    value = getattr(default, "value", default)
    return f"`{value}`" if plain and value != "" else ""


def choices_of(option: Any) -> str:
    """Return the values that an option takes, where there are few."""
    kind = option.type_descriptor.annotation
    listed = [c.value for c in kind] if isinstance(kind, EnumType) else get_args(kind)
    names = ", ".join(f"`{choice}`" for choice in listed if isinstance(choice, str))
    return f" One of {names}." if names else ""


def row(cells: tuple[str, ...]) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())
