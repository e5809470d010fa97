"""The command that segments images: `tally segment`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..core.failures import keep_log
from ..core.preparation import ahead
from ..segmentation.setup.file_options import SegmentFilesOptions
from ..segmentation.setup.options import SegmentOptions
from .command import Images, Trust, command
from .run import FAILED, about, say, usage, with_bar

if TYPE_CHECKING:
    from ..segmentation.segment_files import Outcome


@command()
def segment(
    images: Images,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the results.")
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Built-in or imported model, or model folder. Default: nuclei-2d for images, "
            "nuclei-3d for stacks.",
        ),
    ] = None,
    options: SegmentOptions,
    files: SegmentFilesOptions,
    trust: Trust = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per image.")
    ] = False,
) -> None:
    """Find, separate and measure the objects of images.

    Writes labels (or classes), a table of measurements and a run record for each image. Finished
    images are skipped, so a stopped run can be resumed.

    \b
    Example: tally segment images -o results --object-size 12um
    """
    ahead.start_where_new()
    from ..files.expand_inputs import expand
    from ..models.bundle import load_model
    from ..network.device import choose_device
    from ..segmentation.segment_files import segment_files_steps

    keep_log(output)
    with usage():
        loaded = None if model is None else load_model(model, trust=trust)
        sources = expand(images)
        choose_device(options.device)
        if output.is_file():
            raise InputError(f"The output {output} is a file", hint="Choose a folder")
    steps = segment_files_steps(sources, loaded, options, output, files)
    report(with_bar(steps, len(sources), as_json), as_json)


def report(outcomes: list[Outcome], as_json: bool) -> None:
    """Report the outcome of each input; exit with 1 if any failed."""
    for outcome in outcomes:
        if as_json:
            typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
        elif outcome.status == "skipped":
            say(f"{outcome.source}: already done ({outcome.message})")
        elif outcome.status == "done":
            say(f"{outcome.source}: {outcome.message}")
    failed = [o for o in outcomes if o.status == "failed"]
    for outcome in failed:
        say(about(outcome.source, outcome.message), err=True)
    if failed:
        raise typer.Exit(FAILED)
