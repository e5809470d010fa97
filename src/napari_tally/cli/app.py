"""The command line: `tally segment`, `measure`, `evaluate`, `train` and more."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ..core.escaped import escaped
from ..core.failures import keep_log, show_tracebacks
from .command import Command
from .run import discard_output, failing
from .signals import handle_signals

DEBUG = "--debug"

# Name: module, and line in the overview, which imports none of the modules.
COMMANDS = {
    "segment": ("segment", "Find, separate and measure the objects of images."),
    "measure": ("measure", "Measure the objects of label images."),
    "evaluate": ("evaluate", "Score predictions against ground truth."),
    "train": ("train", "Train a model on labelled images, or fine-tune one."),
    "tune": ("tune", "Calibrate the post-processing of a model on labelled images."),
    "info": ("files", "Show axes, shape, voxel size, orientation and channels of files."),
    "convert": ("files", "Convert an image to another format, with its voxel size."),
    "models": ("models", "List, import, show, download, export and remove models."),
    "demo": ("demo", "Segment a real image of nuclei as a demonstration."),
    "doctor": ("doctor", "Check the installation: versions, devices and memory."),
}


class Commands(TyperGroup):
    """Commands that are imported only when they run: their options are slow to import."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {n: TyperCommand(n, help=line) for n, (_, line) in COMMANDS.items()}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `--debug`, which may stand behind the command as well."""
        own = args[: args.index("--")] if "--" in args else args
        first = [DEBUG] * (DEBUG in own)
        rest = [arg for arg in own if arg != DEBUG] + args[len(own) :]
        return super().parse_args(ctx, first + rest)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; whatever happens ends in one sentence and an exit code."""
        with failing():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, or None."""
        return load(cmd_name) if cmd_name in self.commands else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the overview."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def load(name: str) -> Any:
    """Return a click command by its name."""
    command = getattr(import_module(f".{COMMANDS[name][0]}", __package__), name)
    return command.made(name) if isinstance(command, Command) else get_command(command)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def tally(
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the traceback of every error, with any command.")
    ] = False,
) -> None:
    """Find, separate, count and measure objects in 2D and 3D images.

    Inputs are files, folders or patterns such as 'a/*.tif'. `tally COMMAND --help` shows the
    options of a command.
    """
    keep_log(None)
    show_tracebacks(debug)


class _Printable(logging.Formatter):
    """Messages with the names of files, on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record))


def main() -> None:
    """Run the command line."""
    handle_signals()
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("napari_tally").setLevel(logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        with failing():
            app()
    except typer.Exit as stopped:  # before or after the command itself
        raise SystemExit(stopped.exit_code) from None
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            discard_output()
