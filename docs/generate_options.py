"""Write the reference of commands from the commands, and that of options from their models.

    python docs/generate_options.py

The site is built with it; nothing is kept in the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from napari_tally.cli.app import app
from napari_tally.core.options import OptionField, Options, option_fields
from napari_tally.evaluation.options import EvaluateOptions
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.segmentation.tune import TuneOptions
from napari_tally.training.plan.options import TrainingOptions

INTRO = """\
# Commands

`tally COMMAND --help` shows the same text. `napari-tally` and `python -m napari_tally` are other
names of `tally`. Inputs may be files, folders or patterns in quotes such as `'plate/*.tif'`.

The exit code is 0 if everything was done, 1 if some inputs failed, and 2 if the command line is
wrong.
"""
HEADER = ("Option", "Default", "What it does")
OPTIONS = """\
# Options

Keyword arguments of the Python functions, flags of the command line and fields of the docks come
from the same models: `min_size` is `--min-size` and **Minimum size**.
"""
MODELS = {
    "segment": SegmentOptions,
    "evaluate": EvaluateOptions,
    "train": TrainingOptions,
    "tune": TuneOptions,
}
FIELDS = ("Name", "Type", "Default", "What it does")


def page() -> str:
    """Return the whole page."""
    return "\n".join([INTRO, *commands("tally", get_command(app))])


def options_page() -> str:
    """Return the page of the options that Python functions take."""
    sections = (line for name, model in MODELS.items() for line in fields(name, model))
    return "\n".join([OPTIONS, *sections])


def fields(name: str, model: type[Options]) -> Iterator[str]:
    """Yield the table of the options of a function."""
    yield f"## Of `{name}`\n\n`{model.__name__}`\n"
    yield from (row(FIELDS), row(("---",) * len(FIELDS)))
    for field in option_fields(model):
        if field.offer.hidden:
            continue
        default = "required" if field.required else shown(field.default)
        yield row((f"`{field.name}`", kind_of(field), default, described(field)))
    yield ""


def kind_of(field: OptionField) -> str:
    """Return the type of an option in words."""
    name = getattr(field.type, "__name__", str(field.type))
    return f"several {name}" if field.many else name


def shown(default: Any) -> str:
    """Return a default as Python writes it, that of nested options by its name."""
    if isinstance(default, Options):
        default = getattr(default, "name", None)
    return "" if default in (None, "") else f"`{default!r}`"


def described(field: OptionField) -> str:
    """Return what an option does, with its limits and choices."""
    few = field.choices and "|".join(field.choices) not in field.description
    choices = "One of " + ", ".join(f"`{c}`" for c in field.choices) + "." if few else ""
    limits = f"{field.limits}.".capitalize() if field.limits else ""
    return " ".join(filter(None, (field.description, limits, choices)))


def commands(name: str, group: Any) -> Iterator[str]:
    """Yield the sections of the commands in a group, those of groups inside of it too."""
    for word, command in group.commands.items():
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
    yield f"## {name}\n\n{(command.help or '').strip()}\n\n```text\n{usage.strip()}\n```\n"
    for each in arguments:
        yield f"- `{placeholder(each)}`: {getattr(each, 'help', None) or ''}"
    yield ""
    if options:
        yield from (row(HEADER), row(("---",) * len(HEADER)))
        yield from map(option_row, options)
        yield ""


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
    sys.stdout.write(page() + options_page())
