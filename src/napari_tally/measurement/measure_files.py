"""Measure label files, and write tables with their data dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError, OutputExistsError, TallyError, sentence
from ..core.progress import Step, Steps
from ..core.quantity import parse_quantity
from ..files import read, write
from ..files.match_images_to_labels import bare
from ..files.outlines import check_outlines_name, write_outlines
from ..files.run_record import read_record, sha256_file, write_record
from ..files.tables.tables import check_table_name, table_paths, write_table, write_tables
from ..objects.parents import parents_of
from ..objects.summary import summary
from .data_dictionary import data_dictionary
from .image_table import per_image
from .measure import measure_parents, measure_volumes
from .options import MeasureOptions, measurements
from .report import write_report
from .track import Tracked, track_steps

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume
    from ..files.match_images_to_labels import Row

STAGE = "files"


@dataclass(frozen=True, slots=True)
class MeasureJob:
    """One label image and its outputs.

    Attributes
    ----------
    row : Row
        The files.
    table : Path
        Path of the table of objects; other outputs are written beside it.
    report : Path, optional
        Path of an HTML report.
    """

    row: Row
    table: Path
    report: Path | None = None

    def beside(self, end: str) -> Path:
        """Return the path of an output beside the table: `a_linked.tif`."""
        return self.table.with_name(self.table.stem + end)

    def tables(self) -> list[str]:
        """Return the names of the tables that are written."""
        return ["objects", "image", *(["parents"] if self.row.parents else [])]

    def outputs(self, options: MeasureOptions) -> list[Path]:
        """Return the paths of all outputs."""
        paths = [*table_paths(self.tables(), self.table), self.table.with_suffix(".json")]
        if options.track:
            paths += [self.beside("_tracks.csv"), self.beside("_linked.tif")]
        if options.outlines:
            paths.append(self.beside(f"_outlines.{options.outlines}"))
        return [*paths, *filter(None, [self.report])]

    def check(self, options: MeasureOptions) -> None:
        """Check the names of outputs before any file is read."""
        check_table_name(self.table)
        if self.report is not None and self.report.suffix.lower() not in (".html", ".htm"):
            raise InputError(
                f"The report {self.report} is not an HTML file",
                hint="Use a name that ends in .html",
            )
        if options.outlines:
            check_outlines_name(self.beside(f"_outlines.{options.outlines}"))


@dataclass(frozen=True, slots=True)
class Measured:
    """The outcome for one label image: a summary of its objects, or the error."""

    job: MeasureJob
    message: str
    failed: bool = False
    notes: tuple[str, ...] = ()


def measure_files_steps(
    jobs: Sequence[MeasureJob], options: MeasureOptions
) -> Steps[list[Measured]]:
    """Measure files one after the other and write the results; yield after every file.

    A file that fails is reported, and the others are measured.
    """
    done: list[Measured] = []
    for number, job in enumerate(jobs):
        try:
            done.append((yield from _one(job, options)))
        except (TallyError, MemoryError) as error:
            done.append(Measured(job, sentence(error), failed=True))
        yield Step(STAGE, number + 1, len(jobs))
    return done


def _one(job: MeasureJob, options: MeasureOptions) -> Steps[Measured]:
    _check_free(job, options)
    row = job.row
    images = [_read(path, options) for path in row.images]
    labels = _read(row.labels, options, labels=True).calibrated_by(images)
    parents = None if row.parents is None else _read(row.parents, options, labels=True)
    groups = measurements(options.groups, options.ring, labels)
    table = measure_volumes(labels, images, groups, parents)
    if options.track:
        tracked = yield from track_steps(labels)
        table.insert(1, "track", _track_of_each(labels, tracked))
        write_table(tracked.tracks, job.beside("_tracks.csv"))
        write(tracked.labels, job.beside("_linked.tif"))
    if options.outlines:
        write_outlines(labels, job.beside(f"_outlines.{options.outlines}"), table)
    whole = per_image(table, labels)
    whole.insert(0, "file", row.labels.name)
    tables = {"objects": table, "image": whole}
    if parents is not None:
        tables["parents"] = measure_parents(parents.calibrated_by([labels]), table, groups)
    about = data_dictionary(
        _named(tables, job), _sources(row, labels), groups.model_dump(mode="json")
    )
    write_tables(tables, job.table, about["tables"]["objects"]["columns"])
    if job.report is not None:
        record = read_record(row.labels.with_name(f"{bare(row.labels)}_run.json"))
        write_report(job.report, labels, images, tables, about, record)
    write_record(about, job.table.with_suffix(".json"))
    notes = () if labels.calibrated else (f"{row.labels} has no calibration: measured in px",)
    return Measured(job, summary(table), notes=notes)


def _read(path: Path, options: MeasureOptions, *, labels: bool = False) -> Volume:
    volume = read(path, labels=labels)
    if options.spacing is None:
        return volume
    return volume.with_spacing(parse_quantity(options.spacing))


def _check_free(job: MeasureJob, options: MeasureOptions) -> None:
    taken = [path for path in job.outputs(options) if path.exists()]
    if taken and not options.overwrite:
        raise OutputExistsError(
            f"{taken[0]} exists already", hint="Choose another name or use --overwrite"
        )


def _track_of_each(labels: Volume, tracked: Tracked) -> Any:
    """Return the track of each object, in the order of the table: by frame, then by id."""
    place = labels.axes.index("T")
    before, after = (np.moveaxis(np.asarray(v.array), place, 0) for v in (labels, tracked.labels))
    return np.concatenate([parents_of(a, b)[0] for a, b in zip(before, after, strict=True)])


def _named(tables: dict[str, pd.DataFrame], job: MeasureJob) -> dict[str, tuple[str, pd.DataFrame]]:
    paths = table_paths(list(tables), job.table)
    return {n: (p.name, t) for (n, t), p in zip(tables.items(), paths, strict=True)}


def _sources(row: Row, labels: Volume) -> dict[str, Any]:
    """Return names and hashes of inputs, without folders, which may identify a patient."""

    def source(path: Path) -> dict[str, str]:
        return {"name": path.name, "sha256": sha256_file(path)}

    found: dict[str, Any] = {
        "labels": source(row.labels),
        "images": [source(p) for p in row.images],
    }
    if row.parents is not None:
        found["parents"] = source(row.parents)
    grid = {"axes": labels.axes, "shape": list(labels.shape)}
    if labels.spacing is not None:
        grid |= {"spacing": list(labels.spacing), "unit": labels.unit}
    return found | {"grid": grid}
