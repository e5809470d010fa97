"""Segment many files to labels, tables and run records; failed files do not stop the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import OutputExistsError
from ..core.failures import Attempt
from ..core.options import with_current_names
from ..core.side_by_side import side_by_side_steps
from ..files import write
from ..files.claim import claimed, forget_claim
from ..files.run_record import read_record, same_run, sha256_file, versions, write_record
from ..files.tables.tables import write_table
from ..files.unchanged import unchanged
from .annotations import write_annotations
from .outputs import Outputs, kinds_of
from .segment import segment_steps
from .setup.file_options import SegmentFilesOptions
from .shared_machine import SharedMachine
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from ..core.progress import Steps
    from ..files.expand_inputs import InputFile
    from ..models.bundle import Model
    from ..models.model_info import ModelInfo
    from .result import Result
    from .setup.options import SegmentOptions

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """The outcome for one input."""

    source: Path
    status: Status
    outputs: Outputs
    count: int = 0
    message: str = ""
    notes: tuple[str, ...] = ()

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


def segment_files_steps(
    sources: Sequence[InputFile],
    model: Model | None,
    options: SegmentOptions,
    folder: Path,
    files: SegmentFilesOptions | None = None,
) -> Steps[list[Outcome]]:
    """Segment files and write the results to a folder; yield in between.

    Two images are segmented side by side, unless both are large or there is one core only. The
    default model is nuclei-2d for images, nuclei-3d for stacks.

    If outputs exist, the input is skipped if their run record matches (same options, model and
    input) and fails if not, unless `files.overwrite`. Without a record they are half of a run: the
    input is segmented, and fails if that gives something else than is there.
    """
    files = files or SegmentFilesOptions()
    kinds = {} if model is None else kinds_of(model.info, options)
    machine = SharedMachine(len(sources), model, options)
    batch = _Batch(options, folder, files, kinds, machine)
    works = [partial(batch.attempt_steps, source) for source in sources]
    return (yield from side_by_side_steps(works, machine.at_once, "files"))


@dataclass(frozen=True, eq=False)
class _Batch:
    """What the inputs of a batch have in common."""

    options: SegmentOptions
    folder: Path
    files: SegmentFilesOptions
    kinds: dict[str, bool]
    machine: SharedMachine

    def attempt_steps(self, source: InputFile) -> Steps[Outcome]:
        """Segment one input; whatever goes wrong is its outcome."""
        outputs = Outputs(self.folder / source.folder / f"{source.stem}_run.json")
        with Attempt(source.path) as attempt:
            named = source.of_series(self.files.series)
            outputs = Outputs.of(named, self.folder, self.files.table, **self.kinds)
            return (yield from self._one_steps(source, outputs))
        return Outcome(source.path, "failed", outputs, message=attempt.message)

    def _one_steps(self, source: InputFile, outputs: Outputs) -> Steps[Outcome]:
        options, files, machine = self.options, self.files, self.machine
        with unchanged(source.path):
            with machine.reading:
                volume = files.read(source.path)
            model = machine.model(volume)
            record = _record(source, model, options, files)
            before = None if files.overwrite else _before(record, outputs, type(options))
            if before is not None and all(path.exists() for path in outputs.all()):
                return _skipped(source, before, outputs)
            ours = () if before is None else (outputs.record,)
            with (
                machine.share_for(volume, model),
                claimed(outputs.all(), record, ours=ours, overwrite=files.overwrite) as claim,
            ):
                start = time.perf_counter()
                watch = Stopwatch(machine.device)
                result = yield from segment_steps(volume, model, options, watch)
                with claim.writing():
                    _write(result, outputs, record, time.perf_counter() - start)
        return Outcome(source.path, "done", outputs, result.count, result.summary, result.notes)


def _before(
    record: dict[str, Any], outputs: Outputs, model: type[SegmentOptions]
) -> dict[str, Any] | None:
    """Return the record of an earlier, identical run, None if there is no record.

    Raises
    ------
    OutputExistsError
        If the record is of a different run.
    """
    before = read_record(outputs.record)
    if before is None:
        return None
    if isinstance(before.get("options"), dict):
        before["options"] = with_current_names(model, before["options"])
    if not same_run(before, record) or not isinstance(before.get("objects", 0), int):
        raise OutputExistsError(
            f"{outputs.all()[0]} exists and is from a different run",
            hint="Replace it with --overwrite, or choose another folder",
        )
    return before


def _skipped(source: InputFile, before: dict[str, Any], outputs: Outputs) -> Outcome:
    """Return the outcome of an earlier run."""
    forget_claim(outputs.all())
    return Outcome(
        source.path, "skipped", outputs, before.get("objects", 0), str(before.get("summary", ""))
    )


def _record(
    source: InputFile, model: Model, options: SegmentOptions, files: SegmentFilesOptions
) -> dict[str, Any]:
    """Return the part of a run record that identifies a run."""
    reading = {"axes": files.axes, "spacing": files.spacing, "table": files.table}
    if files.series is not None:
        reading["series"] = files.series
    return {
        "input": {"name": source.path.name, "sha256": sha256_file(source.path)},
        "model": {**model.identity, **_origin(model.info)},
        "options": {**options.model_dump(mode="json"), **reading},
    }


def _origin(info: ModelInfo) -> dict[str, Any]:
    """Return licence and source of an imported model."""
    if info.source is None:
        return {}
    return {"licence": info.licence, "source": info.source.model_dump()}


def _write(result: Result, outputs: Outputs, record: dict[str, Any], seconds: float) -> None:
    """Write images and tables, then the record: it marks the outputs as complete."""
    _write_results(result, outputs, record["input"]["name"])
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


def _write_results(result: Result, outputs: Outputs, image_name: str) -> None:
    """Write images, tables and annotations."""
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
    if outputs.coco is not None:
        write_annotations(result, outputs.coco, image_name=image_name)
