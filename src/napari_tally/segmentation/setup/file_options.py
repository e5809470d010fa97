"""Options for the files of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ...core.quantity import parse_quantity
from ...files import read
from ...files.options import CalibratedReadOptions
from ...files.tables.tables import TableFormat

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.volume import Volume


class SegmentFilesOptions(CalibratedReadOptions):
    """How image files are read, and how the results are written."""

    table: TableFormat = "csv"
    overwrite: bool = Field(False, description="Replace results that exist.")

    def read(self, path: Path) -> Volume:
        """Read one file with these axes, spacing and series."""
        volume = read(path, axes=self.axes, series=self.series)
        return volume if self.spacing is None else volume.with_spacing(parse_quantity(self.spacing))
