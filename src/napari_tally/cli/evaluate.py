"""The command that compares predictions with their truth: `tally evaluate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from .run import FAILED, failing, with_bar

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation


class KindName(StrEnum):
    """What the numbers in the images are: `evaluation.evaluation` describes each."""

    INSTANCES = "instances"
    CLASSES = "classes"
    PANOPTIC = "panoptic"


def evaluate(
    pred: Annotated[
        list[Path], typer.Option(help="Folder of predictions; twice or more to compare them.")
    ],
    truth: Annotated[Path, typer.Option(help="Folder of the truth, with files of the same names.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report.")],
    kind: Annotated[
        KindName, typer.Option(help="Whether the files hold ids of objects, classes, or both.")
    ] = KindName.INSTANCES,
    iou: Annotated[
        str | None,
        typer.Option(help="Thresholds, such as 0.5,0.75; 0.5,0.55,...,0.95 if not told."),
    ] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="Of the normalised surface distance: 1mm or 2px.")
    ] = None,
    spacing: Annotated[str | None, typer.Option(help="Size of a voxel, such as 0.5um.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, to draw the outlines on.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another report.")] = False,
) -> None:
    """Compare predictions with their truth: scores, what became of each object, a report."""
    from ..evaluation.evaluate_files import (
        REPORT,
        check_output,
        evaluate_sets_steps,
        prediction_sets,
        write_numbers,
    )
    from ..evaluation.options import EvaluateOptions
    from ..evaluation.report import write_report

    with failing():
        check_output(output, overwrite=overwrite)
        thresholds = {} if iou is None else {"iou": _numbers(iou)}
        options = EvaluateOptions(
            kind=kind.value, tolerance=tolerance, spacing=spacing, **thresholds
        )
        sets = prediction_sets(pred, truth, options)
        count = sum(len(each.pairs) for each in sets)
        found = with_bar(evaluate_sets_steps(sets, options), count, False, whole="images")
        _say_problems(found)
        if any(one.scored for one in found):
            write_numbers(found, output)
            write_report(found, output, images)
    for one in found:
        typer.echo(f"{one.name}: {one}")
    if any(one.scored for one in found):
        typer.echo(f"-> {output / REPORT}")
    if any(one.problems for one in found):
        raise typer.Exit(FAILED)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise InputError("IoU with commas between them are needed", repr(text)) from None


def _say_problems(found: list[Evaluation]) -> None:
    """Say each reason once: truth that cannot be read fails with every prediction."""
    said = dict.fromkeys(f"{p.name}: {p.message}" for one in found for p in one.problems)
    for line in said:
        typer.echo(line, err=True)
