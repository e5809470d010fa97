"""The command that compares predictions with ground truth: `tally evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.failures import keep_log
from ..evaluation.options import EvaluateFilesOptions, EvaluateOptions
from ..files.options import MatchOptions
from .command import ARGUMENT, command
from .run import FAILED, failing, say, with_bar

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation

_MOST_NOTES = 10


@command(former={"--pred": ARGUMENT, "--truth": "--ground-truth"})
def evaluate(
    predictions: Annotated[
        list[Path],
        typer.Argument(
            metavar="PREDICTIONS",
            help="Label images: folders, files or patterns. Several folders are compared.",
        ),
    ],
    ground_truth: Annotated[
        Path,
        typer.Option(
            "--ground-truth",
            metavar="LABELS",
            help="Ground truth: a folder with files of the same names, a file or a pattern.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the report.")
    ],
    *,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", metavar="FOLDER", help="Folder of the images, to draw outlines on."
        ),
    ] = None,
    options: EvaluateOptions,
    files: EvaluateFilesOptions,
    names: MatchOptions,
) -> None:
    """Score predictions against ground truth.

    Writes a report as HTML, tables of images, objects and thresholds, and all scores as JSON.

    \b
    Example: tally evaluate results --ground-truth labels -o report
    """
    from ..evaluation.evaluate_files import (
        REPORT,
        check_output,
        evaluate_sets_steps,
        outputs_in,
        prediction_sets,
        run_of,
        write_numbers,
    )
    from ..evaluation.report import write_report
    from ..files.claim import claimed

    keep_log(output)
    with failing():
        check_output(output, overwrite=files.overwrite, table_format=files.table)
        sets = prediction_sets(predictions, ground_truth, options, names.label_suffix)
        outputs, run = outputs_in(output, files.table), run_of(sets, options, images)
        with claimed(outputs, run, overwrite=files.overwrite) as claim:
            count = sum(len(each.pairs) for each in sets)
            evaluations = with_bar(evaluate_sets_steps(sets, options), count, False, whole="images")
            _show_problems(evaluations)
            _show_notes(evaluations)
            if any(one.scored for one in evaluations):
                with claim.writing():
                    write_numbers(evaluations, output, files.table)
                    write_report(evaluations, output, images)
    for one in evaluations:
        say(f"{one.name}: {one}")
    if any(one.scored for one in evaluations):
        say(f"-> {output / REPORT}")
    if any(one.problems for one in evaluations):
        raise typer.Exit(FAILED)


def _show_problems(evaluations: list[Evaluation]) -> None:
    """Show each problem once: unreadable ground truth fails with every prediction."""
    for line in dict.fromkeys(
        f"{p.name}: {p.message}" for one in evaluations for p in one.problems
    ):
        say(line, err=True)


def _show_notes(evaluations: list[Evaluation]) -> None:
    """Show the first remarks on how images were read and scored; all are in the tables."""
    scored = (each for one in evaluations for each in one.scored)
    lines = list(dict.fromkeys(f"{each.name}: {note}." for each in scored for note in each.notes))
    for line in lines[:_MOST_NOTES]:
        say(line, err=True)
    if len(lines) > _MOST_NOTES:
        say(f"... and {len(lines) - _MOST_NOTES:,} more notes, in the tables.", err=True)
