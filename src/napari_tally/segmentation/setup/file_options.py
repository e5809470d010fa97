"""Options for the files of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from ...core.options import Options
from ...core.quantity import parse_quantity
from ...files import read
from ...files.tables.tables import TableFormat

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.volume import Volume


class SegmentFilesOptions(Options):
    """How image files are read, and how the results are written."""

    axes: str | None = Field(
        None, description="Axes of the files, such as ZYX, TYX or CYX. Default: read from the file."
    )
    spacing: str | None = Field(
        None, description="Voxel size, such as 0.5,0.1,0.1um. Default: read from the file."
    )
    series: str | None = Field(
        None, description="Series of a file or folder with several images; `tally info` lists them."
    )
    table: TableFormat = "csv"
    overwrite: bool = Field(False, description="Replace results that exist.")

    @field_validator("spacing")
    @classmethod
    def _is_length(cls, text: str | None) -> str | None:
        if text is not None:
            parse_quantity(text)
        return text

    def read(self, path: Path) -> Volume:
        """Read one file with these axes, spacing and series."""
        volume = read(path, axes=self.axes, series=self.series)
        return volume if self.spacing is None else volume.with_spacing(parse_quantity(self.spacing))
