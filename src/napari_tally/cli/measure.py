"""The command that measures labels: `tally measure`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from .run import FAILED, failing, usage, with_bar

if TYPE_CHECKING:
    from ..measurement.measure_files import MeasureHow, MeasureJob


class TableKind(StrEnum):
    """File formats of tables."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"
    H5AD = "h5ad"


class OutlineKind(StrEnum):
    """File formats of outlines: for ImageJ and for QuPath."""

    ZIP = "zip"
    GEOJSON = "geojson"


def _list_groups(wanted: bool) -> None:
    if not wanted:
        return
    from ..measurement.options import listed_groups

    for line in listed_groups():
        typer.echo(line)
    raise typer.Exit


def measure(
    labels: Annotated[Path, typer.Argument(help="A label image (one id an object), or a folder.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Table: .csv, .parquet, .xlsx or .h5ad; a folder for a folder."
        ),
    ],
    image: Annotated[
        list[Path] | None,
        typer.Option(help="Image to measure intensities in, or their folder; may be repeated."),
    ] = None,
    parents: Annotated[
        Path | None, typer.Option(help="Labels that the objects lie in, or their folder.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option("--set", help="Groups of measurements, such as shape,intensity; or all."),
    ] = None,
    list_groups: Annotated[
        bool,
        typer.Option(
            "--list", is_eager=True, callback=_list_groups, help="List the groups and their cost."
        ),
    ] = False,
    ring: Annotated[
        str | None, typer.Option(help="Width of the background around an object: 2um or 5px.")
    ] = None,
    spacing: Annotated[
        str | None, typer.Option(help="Size of a voxel, such as 0.5,0.1,0.1um.")
    ] = None,
    track: Annotated[
        bool, typer.Option("--track", help="Link the objects of a series over time.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Page to read and print: .html; a folder for a folder.")
    ] = None,
    outlines: Annotated[
        OutlineKind | None, typer.Option(help="Outlines too: zip (ImageJ) or geojson (QuPath).")
    ] = None,
    table: Annotated[
        TableKind, typer.Option(help="Format of the tables of a folder.")
    ] = TableKind.CSV,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace other results.")] = False,
) -> None:
    """Measure the objects of label images: tables of them, of whole images and of parents."""
    from ..features.declare.options import DEFAULT
    from ..measurement.measure_files import MeasureHow

    with usage():
        how = MeasureHow(
            groups=DEFAULT if groups is None else tuple(groups.split(",")),
            ring=ring,
            spacing=spacing,
            track=track,
            outlines=None if outlines is None else outlines.value,
            overwrite=overwrite,
        )
        how.check()
    with failing():
        jobs, lonely = _jobs(labels, image or [], parents, output, report, table.value)
        for job in jobs[:1]:
            job.check(how)
    if not _measured(jobs, how) or lonely:
        raise typer.Exit(FAILED)


def _measured(jobs: list[MeasureJob], how: MeasureHow) -> bool:
    """Measure, and say what came out; tell whether all of it did."""
    from ..measurement.measure_files import measure_files_steps

    results = with_bar(measure_files_steps(jobs, how), len(jobs), False)
    for done in results:
        for note in done.notes:
            typer.echo(f"{note}.", err=True)
        if done.failed:
            typer.echo(f"{done.job.row.labels}: {done.message}", err=True)
        else:
            typer.echo(f"{done.message} -> {done.job.table}")
    return not any(done.failed for done in results)


def _jobs(
    labels: Path,
    images: list[Path],
    parents: Path | None,
    output: Path,
    report: Path | None,
    kind: str,
) -> tuple[list[MeasureJob], list[Path]]:
    """Return what is to be measured, and labels that lack a partner; say what is left out."""
    from ..files import format_of
    from ..files.match_files import Row, match_rows
    from ..measurement.measure_files import MeasureJob

    if not labels.is_dir() or format_of(labels) is not None:
        row = Row(labels.name, labels, tuple(images), parents)
        return [MeasureJob(row, output, report)], []
    for path in filter(None, (output, report)):
        _check_folder(path)
    rows, lonely, unused = match_rows(labels, images, parents)
    for path in (*lonely, *unused):
        typer.echo(f"{path} has no partner of the same name: left out.", err=True)
    return [
        MeasureJob(
            row,
            output / f"{row.name}.{kind}",
            None if report is None else report / f"{row.name}_report.html",
        )
        for row in rows
    ], lonely


def _check_folder(path: Path) -> None:
    if path.is_file() or path.suffix:
        raise InputError("A folder is needed for the results of a folder of labels", str(path))
