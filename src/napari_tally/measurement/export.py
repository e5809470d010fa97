"""Export measurements as tables, outlines or a report, by suffix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import FileError, InputError
from ..features.declare.options import Measurements
from ..files.outlines import write_outlines
from ..files.run_record import write_record
from ..files.tables.tables import SUFFIXES, table_paths, write_tables
from .data_dictionary import data_dictionary
from .image_table import per_image
from .report import write_report

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume

OUTLINES = (".zip", ".geojson")
REPORT = (".html",)


@dataclass(frozen=True, eq=False)
class Export:
    """Measurements with their labels and images.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per object.
    labels : Volume
        Labels with the calibration of the table.
    images : sequence of Volume
        Images on the same grid.
    options : Measurements
        What was measured.
    segmented : dict
        Model and options of the segmentation, if known.
    parents : pandas.DataFrame, optional
        One row per parent.
    """

    table: pd.DataFrame
    labels: Volume
    images: Sequence[Volume] = ()
    options: Measurements = field(default_factory=Measurements)
    segmented: dict[str, Any] = field(default_factory=dict)
    parents: pd.DataFrame | None = None

    def write(self, path: Path) -> list[Path]:
        """Write to a path, and return all files written; only the path itself may be replaced.

        Beside a table, a table of the whole image and a JSON file that explains the columns are
        written.

        Raises
        ------
        FileError
            If the suffix is unknown, or the folder cannot be written.
        InputError
            If another output exists already, or the outline format cannot hold the labels.
        """
        suffix = path.suffix.lower()
        if suffix in OUTLINES:
            write_outlines(self.labels, path, self.table)
            return [path]
        tables = {"objects": self.table, "image": self._of_image()}
        if self.parents is not None:
            tables["parents"] = self.parents
        if suffix in REPORT:
            about = self._about({name: (path.name, t) for name, t in tables.items()})
            write_report(path, self.labels, self.images, tables, about, self.segmented)
            return [path]
        if suffix not in SUFFIXES:
            known = ", ".join((*SUFFIXES, *OUTLINES, *REPORT))
            raise FileError(f"The format of {path} is not supported", hint=f"Use one of {known}")
        return self._write_tables(tables, path)

    def _write_tables(self, tables: dict[str, pd.DataFrame], path: Path) -> list[Path]:
        places = table_paths(list(tables), path)
        files = list(dict.fromkeys([path, *places, path.with_suffix(".json")]))
        for taken in [p for p in files[1:] if p.exists()]:
            raise InputError(f"{taken} exists already", hint="Choose another name")
        named = {n: (p.name, t) for (n, t), p in zip(tables.items(), places, strict=True)}
        about = self._about(named)
        write_tables(tables, path, about["tables"]["objects"]["columns"])
        write_record(about, path.with_suffix(".json"))
        return files

    def _of_image(self) -> pd.DataFrame:
        whole = per_image(self.table, self.labels)
        whole.insert(0, "file", self.labels.name)
        return whole

    def _about(self, tables: dict[str, tuple[str, pd.DataFrame]]) -> dict[str, Any]:
        sources = {
            "labels": {"name": self.labels.name},
            "images": [{"name": image.name} for image in self.images],
        }
        return data_dictionary(tables, sources, self.options.model_dump(mode="json"))
