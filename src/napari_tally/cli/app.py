"""The command line: `tally segment`, `measure`, `train`, `evaluate`, `models`, `demo` and more."""

from __future__ import annotations

import logging
import sys

import typer

from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .files import ConvertCommand, convert, info
from .measure import measure
from .models import models_app
from .segment import segment
from .train import train
from .tune import tune

app = typer.Typer(
    help="Find, separate, count and measure objects in images.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
for command in (segment, measure, evaluate, train, tune, info, convert, demo, doctor):
    app.command(cls=ConvertCommand if command is convert else None)(command)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("napari_tally").setLevel(logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("Stopped; what was finished is kept.", err=True)
        raise SystemExit(130) from None
