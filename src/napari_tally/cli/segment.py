"""The command that finds objects: `tally segment`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from .run import FAILED, usage, with_bar

if TYPE_CHECKING:
    from ..segmentation.segment_files import Outcome


class TableFormat(StrEnum):
    """File formats of tables."""

    CSV = "csv"
    PARQUET = "parquet"


class StackWay(StrEnum):
    """How a stack goes through a 2D model: `segmentation.maps.stack_strategies` describes each."""

    AUTO = "auto"
    SLICES = "slices"
    LINK = "link"
    VIEWS = "views"


Inputs = Annotated[list[str], typer.Argument(help="Files, folders or patterns such as 'a/*.tif'.")]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="A shipped model, or a model folder; for nuclei if not told."
    ),
]
Folder = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")]
Axes = Annotated[str | None, typer.Option(help="Axes of the files, such as ZYX, TYX or CYX.")]
Spacing = Annotated[str | None, typer.Option(help="Size of a voxel, such as 0.5,0.1,0.1um.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]


def segment(
    inputs: Inputs,
    output: Folder,
    model: ModelName = None,
    device: Device = "auto",
    channel: Annotated[str | None, typer.Option(help="Number (from 0) or name.")] = None,
    axes: Axes = None,
    spacing: Spacing = None,
    series: Annotated[
        str | None, typer.Option(help="Which image of a file or folder: see `tally info`.")
    ] = None,
    object_size: Annotated[
        str | None, typer.Option(help="Diameter of the objects: 12um or 30px. Guessed if not told.")
    ] = None,
    min_size: Annotated[
        str | None, typer.Option(help="Smallest object that is kept: 20um2 or 50px2.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least probability of an object's pixel, 0 to 1.")
    ] = None,
    tune: Annotated[
        list[str] | None, typer.Option(help="NAME=NUMBER of the model's head: tolerance=0.7.")
    ] = None,
    separate: Annotated[
        bool, typer.Option("--separate", help="Objects of what hangs together of each class.")
    ] = False,
    stack: Annotated[
        StackWay, typer.Option(help="How a stack goes through a 2D model.")
    ] = StackWay.AUTO,
    augment: Annotated[
        bool, typer.Option("--augment", help="Average eight turned copies of each image: slow.")
    ] = False,
    tile: Annotated[
        int | None,
        typer.Option(help="Largest window of the network, px; the model's own if not told."),
    ] = None,
    halo: Annotated[int | None, typer.Option(help="Context around each window, px.")] = None,
    table: Annotated[TableFormat, typer.Option(help="Format of the tables.")] = TableFormat.CSV,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace other results.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line an input.")] = False,
) -> None:
    """Segment images: labels (or classes), a table of measurements and a run record for each."""
    from ..files.expand_inputs import expand
    from ..models.bundle import load_model
    from ..network.device import choose_device
    from ..network.tile_layout import ToldTiling
    from ..segmentation.segment_files import Batch, segment_files_steps
    from ..segmentation.setup.options import SegmentOptions

    with usage():
        loaded = None if model is None else load_model(model)
        options = SegmentOptions(
            channel=channel,
            object_size=object_size,
            min_size=min_size,
            threshold=threshold,
            tune=_numbers(tune or []),
            separate=separate,
            stack=stack.value,
            augment=augment,
            device=device,
            tiling=ToldTiling(tile=tile, halo=halo),
        )
        batch = Batch(output, axes, spacing, table.value, overwrite, series)
        batch.check()
        sources = expand(inputs)
        choose_device(device)
    outcomes = with_bar(segment_files_steps(sources, loaded, options, batch), len(sources), as_json)
    report(outcomes, as_json)


def _numbers(pairs: list[str]) -> dict[str, float]:
    """Read NAME=NUMBER."""
    try:
        return {name.strip(): float(value) for name, value in (p.split("=") for p in pairs)}
    except ValueError:
        raise InputError("NAME=NUMBER is needed to tune", ", ".join(pairs)) from None


def report(outcomes: list[Outcome], as_json: bool) -> None:
    """Say how each input ended; exit with 1 if some failed."""
    for outcome in outcomes:
        if as_json:
            typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
        elif outcome.status == "failed":
            typer.echo(f"{outcome.source}: {outcome.message}", err=True)
        elif outcome.status == "skipped":
            typer.echo(f"{outcome.source}: done before ({outcome.message})")
        else:
            typer.echo(f"{outcome.source}: {outcome.message}")
    failed = [o for o in outcomes if o.status == "failed"]
    if failed and as_json:
        for outcome in failed:
            typer.echo(f"{outcome.source}: {outcome.message}", err=True)
    if failed:
        raise typer.Exit(FAILED)
