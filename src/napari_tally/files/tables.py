"""Tables of objects: CSV and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import FileError
from .atomic import replacing

if TYPE_CHECKING:
    import pandas as pd


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as `.csv` or `.parquet`; the file is whole or not there.

    Raises
    ------
    FileError
        If the suffix is another, or the folder cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise FileError("A table is written as .csv or .parquet", repr(path.name))
    with replacing(path) as part:
        if suffix == ".csv":
            table.to_csv(part, index=False, float_format="%.10g", encoding="utf-8")
        else:
            _write_parquet(table, part)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    try:
        table.to_parquet(path, index=False)
    except ImportError as error:
        raise FileError(
            "The package pyarrow is needed for Parquet",
            "none",
            'Install it with: pip install "napari-tally[parquet]"',
        ) from error
