"""The command that measures labels: `tally measure`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..core.failures import keep_log
from ..files.options import MatchOptions
from ..measurement.options import MeasureOptions
from .command import command
from .run import FAILED, about, failing, say, with_bar

if TYPE_CHECKING:
    from ..measurement.measure_files import MeasureJob


def _list_groups(requested: bool) -> None:
    if not requested:
        return
    from ..measurement.options import listed_groups

    for line in listed_groups():
        say(line)
    raise typer.Exit


@command(former={"--image": "--images"})
def measure(
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS",
            help="Label images with one id per object: files, folders or patterns.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Table of one label image (.csv, .parquet, .xlsx or .h5ad), or a folder for "
            "those of several.",
        ),
    ],
    *,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            metavar="PATH",
            help="Images to measure intensities in: a file, a pattern or a folder with files "
            "named as the labels. Repeat for more channels.",
        ),
    ] = None,
    parents: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Labels that contain the objects, such as the cells of nuclei."
        ),
    ] = None,
    options: MeasureOptions,
    names: MatchOptions,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="HTML report, or a folder for those of several label images."
        ),
    ] = None,
    list_groups: Annotated[
        bool,
        typer.Option(
            "--list", is_eager=True, callback=_list_groups, help="List the groups of measurements."
        ),
    ] = False,
) -> None:
    """Measure the objects of label images.

    Writes tables of the objects, of the whole image and of the parents, and a JSON file that
    explains the columns.

    \b
    Example: tally measure a_labels.tif --images a.tif -o a.csv
    """
    with failing():
        jobs, unmatched = _jobs(
            labels, images or [], parents, output, report, options.table, names.label_suffix
        )
        for job in jobs[:1]:
            keep_log(job.table.parent)
            job.check(options)
    if not _measured(jobs, options) or unmatched:
        raise typer.Exit(FAILED)


def _measured(jobs: list[MeasureJob], options: MeasureOptions) -> bool:
    """Measure and show the results; return whether all succeeded."""
    from ..measurement.measure_files import measure_files_steps

    results = with_bar(measure_files_steps(jobs, options), len(jobs), False)
    for done in results:
        for note in done.notes:
            say(f"{note}.", err=True)
        if done.failed:
            say(about(done.job.row.labels, done.message), err=True)
        else:
            say(f"{done.message} -> {done.job.table}")
    return not any(done.failed for done in results)


def _jobs(
    labels: list[Path],
    images: list[Path],
    parents: Path | None,
    output: Path,
    report: Path | None,
    table: str,
    suffix: str | None,
) -> tuple[list[MeasureJob], list[Path]]:
    """Return the jobs, and the labels without a match; report what is left out."""
    from ..files.match_images_to_labels import Row, is_one, match_rows
    from ..measurement.measure_files import MeasureJob

    one = is_one(labels)
    if one and all(is_one([path]) for path in (*images, *filter(None, [parents]))):
        return [
            MeasureJob(Row(labels[0].name, labels[0], tuple(images), parents), output, report)
        ], []
    rows, unmatched, unused = match_rows(labels, images, parents, suffix)
    if one:
        if not rows:
            raise InputError(f"No image or parents have the name of {labels[0]}")
        return [MeasureJob(rows[0], output, report)], []
    for path in filter(None, (output, report)):
        _check_folder(path)
    for path in (*unmatched, *unused):
        say(f"{path} has no match of the same name and is left out.", err=True)
    return [
        MeasureJob(
            row,
            output / f"{row.name}.{table}",
            None if report is None else report / f"{row.name}_report.html",
        )
        for row in rows
    ], unmatched


def _check_folder(path: Path) -> None:
    if path.is_file() or path.suffix:
        raise InputError(
            f"The output {path} is not a folder",
            hint="Choose a folder for the results of several label images",
        )
