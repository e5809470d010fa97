"""The files of the results of one input: which a model has, and their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import result_suffix
from ..files.tables.tables import format_beside

if TYPE_CHECKING:
    from ..files.expand_inputs import InputFile
    from ..models.model_info import ModelInfo
    from .setup.options import SegmentOptions


@dataclass(frozen=True)
class Outputs:
    """Paths of the results of one input; None for those that its model does not have.

    Attributes
    ----------
    labels, table : Path, optional
        The objects.
    classes, classes_table : Path, optional
        The classes, from a model that has any.
    segments : Path, optional
        The objects and regions of a panoptic model in one table.
    coco : Path, optional
        The objects as COCO JSON, in full where they overlap, from a model that returns masks or
        boxes.
    record : Path
        The run record, written last.
    """

    record: Path
    labels: Path | None = None
    table: Path | None = None
    classes: Path | None = None
    classes_table: Path | None = None
    segments: Path | None = None
    coco: Path | None = None

    @classmethod
    def of(
        cls,
        source: InputFile,
        folder: Path,
        table: str,
        *,
        labels: bool = True,
        classes: bool = False,
        objects: bool = True,
        segments: bool = False,
        coco: bool = False,
    ) -> Outputs:
        """Name the outputs of an input: `a_labels.tif`, `a_objects.csv`, `a_run.json`, ...

        Images are written in the format of the input if it stores origin and orientation, those of
        DICOM as NIfTI, all others as TIFF.
        """
        suffix = result_suffix(source.path)

        def named(what: str, wanted: bool = True) -> Path | None:
            return folder / source.folder / f"{source.stem}_{what}" if wanted else None

        return cls(
            folder / source.folder / f"{source.stem}_run.json",
            named(f"labels{suffix}", objects and labels),
            named(f"objects.{table}", objects),
            named(f"classes{suffix}", classes),
            named(f"classes.{format_beside(table)}", classes),
            named(f"segments.{format_beside(table)}", segments),
            named("objects.json", coco),
        )

    def all(self) -> tuple[Path, ...]:
        paths = vars(self) | {"record": None}
        return (*(path for path in paths.values() if path is not None), self.record)

    def as_json(self) -> dict[str, str | None]:
        """Return the paths as text, by name."""
        return {name: None if path is None else str(path) for name, path in vars(self).items()}


def kinds_of(info: ModelInfo, options: SegmentOptions) -> dict[str, bool]:
    """Return which outputs a model has."""
    finds_objects = info.head.finds_objects
    return {
        "labels": not info.finds_boxes,
        "classes": info.has_stuff,
        "objects": finds_objects or options.separate or info.separate,
        "segments": info.has_stuff and finds_objects,
        "coco": info.finds_masks,
    }
