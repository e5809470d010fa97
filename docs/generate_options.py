"""Print the options of every command as Markdown, from the fields that they are made of.

python docs/generate_options.py > docs/options.md
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from napari_tally.cli.app import COMMANDS
from napari_tally.cli.command import Command
from napari_tally.cli.options import Flag, flags_of, models_of

if TYPE_CHECKING:
    from napari_tally.core.options import Options

_HEAD = "| Flag | Python | Default | Values | Meaning |\n|---|---|---|---|---|\n"


def table_of(model: type[Options]) -> str:
    """Return a Markdown table of options: flag, Python name, default, limits and description."""
    return _HEAD + "".join(_row(flag) for flag in flags_of(model))


def page() -> str:
    """Return the tables of all commands."""
    sections = []
    for name, (module, line) in COMMANDS.items():
        command = getattr(import_module(f"napari_tally.cli.{module}"), name)
        models = models_of(command.function) if isinstance(command, Command) else {}
        tables = [f"`{m.__name__}`\n\n{table_of(m)}" for m in models.values()]
        if tables:
            sections.append("\n".join([f"## tally {name}\n\n{line}\n", *tables]))
    return "# Options\n\n" + "\n".join(sections)


def _row(flag: Flag) -> str:
    field = flag.field
    default = f"`{flag.default}`" if flag.default else ""
    values = field.limits or ("" if field.many else ", ".join(f"`{c}`" for c in field.choices))
    cells = (f"`{field.flag}`", f"`{'.'.join(flag.path)}`", default, values, field.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
