"""Measure label files, and write tables with their data dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError, OutputExistsError
from ..core.escaped import all_escaped, escaped
from ..core.failures import Attempt
from ..core.progress import Step, Steps
from ..core.quantity import parse_quantity
from ..files import read, write
from ..files.claim import claimed, forget_claim
from ..files.match_images_to_labels import bare
from ..files.outlines import check_outlines_name, write_outlines
from ..files.run_record import read_record, sha256_file, write_record
from ..files.tables.tables import check_table_name, table_paths, write_table, write_tables
from ..files.unchanged import unchanged
from ..objects.parents import parents_of
from ..objects.summary import summary
from .data_dictionary import data_dictionary
from .image_table import per_image
from .measure import measure_parents, measure_volumes
from .measure_full_masks import measure_full_masks, read_full_masks
from .measure_inputs import measure_inputs
from .options import MeasureOptions, measurements
from .report import write_report
from .track import Tracked, track_steps

if TYPE_CHECKING:
    import pandas as pd

    from ..core.full_masks import FullMasks
    from ..core.volume import Volume
    from ..features.declare.options import Measurements
    from ..files.match_images_to_labels import Row

STAGE = "files"
COMPONENTS = "_components.tif"


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
        """Return the paths of all outputs, the data dictionary last: it marks them as complete."""
        paths = [self.beside(COMPONENTS)] if options.separate else []
        if options.track:
            paths += [self.beside("_tracks.csv"), self.beside("_linked.tif")]
        if options.outlines:
            paths.append(self.beside(f"_outlines.{options.outlines}"))
        paths += [*table_paths(self.tables(), self.table), *filter(None, [self.report])]
        return [*dict.fromkeys(paths), self.record]

    @property
    def record(self) -> Path:
        """The path of the data dictionary."""
        return self.table.with_suffix(".json")

    def sources(self) -> list[Path]:
        """Return the files that are measured."""
        return [self.row.labels, *self.row.images, *filter(None, [self.row.parents])]

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

    A file that fails is reported, and the others are measured. Files that an identical run has
    measured are skipped.
    """
    done: list[Measured] = []
    for number, job in enumerate(jobs):
        with Attempt(job.row.labels) as attempt:
            done.append((yield from _one(job, options)))
        if attempt.error is not None:
            done.append(Measured(job, attempt.message, failed=True))
        yield Step(STAGE, number + 1, len(jobs))
    return done


def _one(job: MeasureJob, options: MeasureOptions) -> Steps[Measured]:
    outputs = job.outputs(options)
    with unchanged(*job.sources()):
        found = _Inputs.read(job, options)
        run = found.run(job, options)
        before = None if options.overwrite else _before(job, run)
        notes = found.notes(job.row)
        if before is not None and all(path.exists() for path in outputs):
            forget_claim(outputs)
            return Measured(job, f"already done ({before.get('summary', '')})", notes=notes)
        ours = () if before is None else (job.record,)
        with claimed(outputs, run, ours=ours, overwrite=options.overwrite) as claim:
            table = found.table()
            tracked = (yield from track_steps(found.labels)) if options.track else None
            with claim.writing():
                _write(job, options, found, table, tracked, run)
    return Measured(job, summary(table), notes=notes)


@dataclass(frozen=True, eq=False)
class _Inputs:
    """The label image of a job with what is measured in it."""

    labels: Volume
    images: Sequence[Volume]
    parents: Volume | None
    groups: Measurements
    remarks: tuple[str, ...]
    full: FullMasks | None = None

    @classmethod
    def read(cls, job: MeasureJob, options: MeasureOptions) -> _Inputs:
        row = job.row
        given = measure_inputs(
            _read(row.labels, options, labels=True),
            [_read(path, options) for path in row.images],
            None if row.parents is None else _read(row.parents, options, labels=True),
            separate=options.separate,
            static_labels=options.static_labels,
            resample=options.resample,
        )
        groups = measurements(options.groups, options.ring, given.labels)
        full = read_full_masks(row.labels, given.labels) if options.full_masks else None
        return cls(given.labels, given.images, given.parents, groups, given.notes, full)

    def table(self) -> pd.DataFrame:
        """Measure the objects, in full if that is asked for."""
        given = self.images, self.groups, self.parents
        if self.full is not None:
            return measure_full_masks(self.labels, self.full, *given)
        return measure_volumes(self.labels, *given)

    def run(self, job: MeasureJob, options: MeasureOptions) -> dict[str, Any]:
        """Return what identifies the run, as in a data dictionary."""
        outputs = options.model_dump(mode="json", exclude={"overwrite"})
        found: dict[str, Any] = all_escaped(
            {
                "sources": _sources(job.row, self.labels),
                "options": self.groups.model_dump(mode="json"),
                "run": outputs | {"report": job.report is not None},
            }
        )
        return found

    def notes(self, row: Row) -> tuple[str, ...]:
        if self.labels.calibrated:
            return self.remarks
        return (*self.remarks, f"{row.labels} has no calibration: measured in px")


def _before(job: MeasureJob, run: dict[str, Any]) -> dict[str, Any] | None:
    """Return the data dictionary of an identical run, None if there is none.

    Raises
    ------
    OutputExistsError
        If there is one of another run.
    """
    before = read_record(job.record)
    if before is None:
        return None
    if any(before.get(key) != value for key, value in run.items()):
        raise OutputExistsError(
            f"{job.table} exists already, from a different run",
            hint="Choose another name or use --overwrite",
        )
    return before


def _write(
    job: MeasureJob,
    options: MeasureOptions,
    found: _Inputs,
    table: pd.DataFrame,
    tracked: Tracked | None,
    run: dict[str, Any],
) -> None:
    """Write all outputs, the data dictionary last."""
    if options.separate:
        write(replace(found.labels, is_labels=True), job.beside(COMPONENTS))
    if tracked is not None:
        table.insert(1, "track", _track_of_each(found.labels, tracked))
        write_table(tracked.tracks, job.beside("_tracks.csv"))
        write(tracked.labels, job.beside("_linked.tif"))
    if options.outlines:
        write_outlines(found.labels, job.beside(f"_outlines.{options.outlines}"), table)
    whole = per_image(table, found.labels)
    whole.insert(0, "file", escaped(job.row.labels.name))
    tables = {"objects": table, "image": whole}
    if found.parents is not None:
        parents = found.parents.calibrated_by([found.labels])
        tables["parents"] = measure_parents(parents, table, found.groups)
    about = data_dictionary(_named(tables, job), run["sources"], run["options"])
    write_tables(tables, job.table, about["tables"]["objects"]["columns"])
    if job.report is not None:
        labels = job.row.labels
        record = read_record(labels.with_name(f"{bare(labels)}_run.json"))
        write_report(job.report, found.labels, found.images, tables, about, record)
    write_record({**about, "run": run["run"], "summary": summary(table)}, job.record)


def _read(path: Path, options: MeasureOptions, *, labels: bool = False) -> Volume:
    volume = read(path, labels=labels)
    if options.spacing is None:
        return volume
    return volume.with_spacing(parse_quantity(options.spacing))


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
