"""The command about a model's numbers: `tally tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .run import failing, with_bar


def tune(
    model: Annotated[str, typer.Argument(help="A shipped model, or a model folder.")],
    images: Annotated[Path, typer.Option(help="Folder of images.")],
    labels: Annotated[Path, typer.Option(help="Folder of their true labels, of the same names.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tuned model.")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    channel: Annotated[str | None, typer.Option(help="Number (from 0) or name.")] = None,
    object_size: Annotated[
        str | None, typer.Option(help="Diameter of the objects: 12um or 30px. Guessed if not told.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another model.")] = False,
) -> None:
    """Choose threshold, the head's numbers and smallest size by images with their true labels."""
    from ..files import read
    from ..files.match_files import paired
    from ..models.bundle import load_model
    from ..models.copy_bundle import check_target, copy_model
    from ..segmentation.setup.options import SegmentOptions
    from ..segmentation.tune import TuneOptions, tune_steps

    with failing():
        loaded = load_model(model)
        check_target(output, overwrite=overwrite)
        pairs, alone = paired(images, labels)
        for path in alone:
            typer.echo(f"{path} has no partner of the same name: left out.", err=True)
        options = SegmentOptions(device=device, channel=channel, object_size=object_size)
        volumes = [(read(image), read(truth)) for image, truth in pairs]
        steps = tune_steps(volumes, loaded, TuneOptions(segment=options))
        found = with_bar(steps, len(pairs), False, whole="images")
        copy_model(loaded, found.info, output, overwrite=overwrite)
    for line in found.lines():
        typer.echo(line)
    typer.echo(f"-> {output}")
