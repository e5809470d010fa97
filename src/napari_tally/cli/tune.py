"""The command that calibrates a model: `tally tune`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import FileError
from ..files.options import MatchOptions
from ..models.bundle import SHIPPED_DEFAULT
from ..segmentation.tune import TuneOptions
from .command import Images, Trust, command
from .run import failing, say, with_bar

if TYPE_CHECKING:
    from ..core.volume import Volume


@command(former={"--labels": "--ground-truth"})
def tune(
    images: Images,
    ground_truth: Annotated[
        Path,
        typer.Option(
            "--ground-truth",
            metavar="LABELS",
            help="Labels with one id per object: a folder with files named as the images, a file "
            "or a pattern.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the calibrated model."),
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Built-in or imported model, or model folder, that separates objects.  "
            f"[default: {SHIPPED_DEFAULT}]",
        ),
    ] = None,
    options: TuneOptions,
    names: MatchOptions,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that exists.")
    ] = False,
    former_images: Annotated[list[str] | None, typer.Option("--images", hidden=True)] = None,
    trust: Trust = False,
) -> None:
    """Calibrate the post-processing of a model on labelled images.

    Chooses the threshold, the minimum size and the parameters of the head with the best average
    precision (AP), and cross-validates them.

    \b
    Example: tally tune images --ground-truth labels --model nuclei-2d -o my-nuclei
    """
    from ..files.match_images_to_labels import paired
    from ..models.bundle import load_model
    from ..models.copy_bundle import check_target, copy_model
    from ..segmentation.tune import tune_steps

    if former_images:
        say(
            "--images is no longer needed: give its value alone, and the model with --model.",
            err=True,
        )
        model, images = model or images[0], former_images
    with failing():
        loaded = load_model(model or SHIPPED_DEFAULT, trust=trust)
        check_target(output, overwrite=overwrite)
        pairs, unmatched = paired(images, ground_truth, names.label_suffix)
        for path in unmatched:
            say(f"{path} has no match of the same name and is left out.", err=True)
        volumes = _readable(pairs)
        steps = tune_steps(volumes, loaded, options)
        tuning = with_bar(steps, len(volumes), False, whole="images")
        copy_model(loaded, tuning.info, output, overwrite=overwrite)
    for line in tuning.lines():
        say(line)
    say(f"-> {output}")


def _readable(pairs: Sequence[tuple[Path, Path]]) -> list[tuple[Volume, Volume]]:
    """Read images and labels; leave out damaged ones unless all are."""
    from ..files import read

    found, damaged = [], None
    for image, labels in pairs:
        try:
            found.append((read(image), read(labels, labels=True)))
        except FileError as error:
            damaged = error
            say(f"Skipped {image}: {error}", err=True)
    if damaged is not None and not found:
        raise damaged
    return found
