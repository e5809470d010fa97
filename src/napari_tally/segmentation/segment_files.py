"""Many files in, labels, tables and run records out; one file that fails does not stop the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import OutputExistsError, TallyError, sentence
from ..core.progress import Step, Steps
from ..core.quantity import parse_quantity
from ..files import format_of, read, write
from ..files.formats import itk, nifti
from ..files.formats.format import ending
from ..files.run_record import read_record, same_run, sha256_file, versions, write_record
from ..files.tables.tables import write_table
from ..models.bundle import default_model, load_model
from .segment import segment_steps

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..files.expand_inputs import InputFile
    from ..models.bundle import Model
    from .result import Result
    from .setup.options import SegmentOptions

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outputs:
    """Where the results of one input go; None for what its model does not give.

    Attributes
    ----------
    labels, table : Path, optional
        The objects.
    classes, classes_table : Path, optional
        The classes of a model that has any.
    segments : Path, optional
        The objects and regions of a panoptic model in one table.
    record : Path
        The run record, written last.
    """

    record: Path
    labels: Path | None = None
    table: Path | None = None
    classes: Path | None = None
    classes_table: Path | None = None
    segments: Path | None = None

    @classmethod
    def of(
        cls,
        source: InputFile,
        folder: Path,
        table: str,
        *,
        classes: bool = False,
        objects: bool = True,
        segments: bool = False,
    ) -> Outputs:
        """Name the outputs of an input: `a_labels.tif`, `a_objects.csv`, `a_run.json`, ...

        Images are written in the input's own format where that keeps origin and orientation, those
        of DICOM as NIfTI, and others as TIFF.
        """
        suffix = ending(source.path, (*nifti.SUFFIXES, *itk.SUFFIXES)) or _other(source.path)

        def named(what: str, wanted: bool = True) -> Path | None:
            return folder / source.folder / f"{source.stem}_{what}" if wanted else None

        return cls(
            folder / source.folder / f"{source.stem}_run.json",
            named(f"labels{suffix}", objects),
            named(f"objects.{table}", objects),
            named(f"classes{suffix}", classes),
            named(f"classes.{table}", classes),
            named(f"segments.{table}", segments),
        )

    def all(self) -> tuple[Path, ...]:
        paths = vars(self) | {"record": None}
        return (*(path for path in paths.values() if path is not None), self.record)

    def as_json(self) -> dict[str, str | None]:
        """Return the paths as text by what is there."""
        return {name: None if path is None else str(path) for name, path in vars(self).items()}


def _other(path: Path) -> str:
    found = format_of(path)
    return ".nii.gz" if found is not None and found.name == "DICOM" else ".tif"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one input."""

    source: Path
    status: Status
    outputs: Outputs
    count: int = 0
    message: str = ""
    notes: tuple[str, ...] = ()
    result: Result | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return one machine-readable line."""
        return {
            "input": str(self.source),
            "status": self.status,
            "objects": self.count,
            "message": self.message,
            "notes": list(self.notes),
            **self.outputs.as_json(),
        }


@dataclass(frozen=True)
class Batch:
    """How files are read, and where the results go."""

    folder: Path
    axes: str | None = None
    spacing: str | None = None
    table: Literal["csv", "parquet"] = "csv"
    overwrite: bool = False
    series: str | None = None

    def check(self) -> None:
        """Refuse a spacing that is none, before any file is read."""
        if self.spacing is not None:
            parse_quantity(self.spacing)

    def read(self, path: Path) -> Volume:
        """Read one file, with the axes and the spacing that are set."""
        volume = read(path, axes=self.axes, series=self.series)
        return volume if self.spacing is None else volume.with_spacing(parse_quantity(self.spacing))


def segment_files_steps(
    sources: Sequence[InputFile], model: Model | None, options: SegmentOptions, batch: Batch
) -> Steps[list[Outcome]]:
    """Segment files one after the other and write what was found; yield after every piece.

    Without a model each input is segmented with the built-in one for nuclei in 2D or, if it is a
    stack, in 3D.

    An input whose outputs exist is skipped if their run record matches (same options, model and
    input), else it fails, unless `batch.overwrite`.
    """
    outcomes: list[Outcome] = []
    head = None if model is None else model.info.head
    gives = {
        "classes": head is not None and bool(head.class_names),
        "objects": head is None or head.finds_objects or options.separate,
        "segments": head is not None and bool(head.class_names) and head.finds_objects,
    }
    for number, source in enumerate(sources):
        outputs = Outputs.of(source, batch.folder, batch.table, **gives)
        try:
            outcome = yield from _one(source, model, options, batch, outputs)
        except (TallyError, MemoryError) as error:
            outcome = Outcome(source.path, "failed", outputs, message=sentence(error))
        outcomes.append(outcome)
        yield Step("files", number + 1, len(sources))
    return outcomes


_loaded = lru_cache(load_model)


def _one(
    source: InputFile, model: Model | None, options: SegmentOptions, batch: Batch, outputs: Outputs
) -> Steps[Outcome]:
    volume = batch.read(source.path)
    model = model or _loaded(default_model(volume))
    record = _record(source, model, options, batch)
    before = read_record(outputs.record)
    if not batch.overwrite and any(p.exists() for p in outputs.all()):
        if (
            before is not None
            and same_run(before, record)
            and all(p.exists() for p in outputs.all())
        ):
            count, line = int(before.get("objects", 0)), str(before.get("summary", ""))
            return Outcome(source.path, "skipped", outputs, count, line)
        raise OutputExistsError(
            f"{outputs.all()[0]} was written by another run",
            hint="Use --overwrite or another folder",
        )
    start = time.perf_counter()
    result = yield from segment_steps(volume, model, options)
    _write(result, outputs, record, time.perf_counter() - start)
    return Outcome(source.path, "done", outputs, result.count, result.summary, result.notes, result)


def _record(
    source: InputFile, model: Model, options: SegmentOptions, batch: Batch
) -> dict[str, Any]:
    """Return the part of a run record that tells whether two runs are the same."""
    reading = {"axes": batch.axes, "spacing": batch.spacing, "table": batch.table}
    if batch.series is not None:
        reading["series"] = batch.series
    return {
        "input": {"name": source.path.name, "sha256": sha256_file(source.path)},
        "model": model.identity,
        "options": {**options.model_dump(mode="json"), **reading},
    }


def _write(result: Result, outputs: Outputs, record: dict[str, Any], seconds: float) -> None:
    """Write images and tables, and the record last: it says that the others are complete."""
    if outputs.record.exists():
        outputs.record.unlink()
    images = ((result.volume, outputs.labels), (result.classes, outputs.classes))
    for image, path in images:
        if image is not None and path is not None:
            write(image, path)
    tables = (
        (result.table, outputs.table),
        (result.classes_table, outputs.classes_table),
        (result.segments, outputs.segments),
    )
    for table, path in tables:
        if table is not None and path is not None:
            write_table(table, path)
    write_record(
        {
            **record,
            "objects": result.count,
            "summary": result.summary,
            "notes": list(result.notes),
            "stack": result.strategy.model_dump(),
            "object_diameter_px": result.diameter_px,
            "scale": result.scale,
            "device": result.device,
            "seconds": {**result.seconds, "total": round(seconds, 4)},
            "versions": versions(),
        },
        outputs.record,
    )
