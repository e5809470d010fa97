"""The command that exports a model to the format of another program."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from .run import say, usage


class Format(StrEnum):
    """Formats of models, each with a module in `models/exporting`."""

    BIOIMAGEIO = "bioimageio"
    ONNX = "onnx"
    MONAI = "monai"


def export_model(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a model, or a model folder.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="A new file or folder."),
    ],
    kind: Annotated[
        Format,
        typer.Option("--format", help="BioImage.IO folder or .zip, ONNX file, or MONAI folder."),
    ] = Format.BIOIMAGEIO,
) -> None:
    """Export a model for other programs, with an image and its output as a test.

    \b
    Example: tally models export nuclei-2d --format bioimageio -o nuclei-2d.zip
    """
    from ..models.bundle import load_model

    with usage():
        model = load_model(name)
        module = import_module(f"napari_tally.models.exporting.{kind}")
        say(f"{name} is written to {getattr(module, f'export_{kind}')(model, output)}")
