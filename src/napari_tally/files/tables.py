"""Tables of measurements: CSV, or Parquet where pyarrow is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import FileError
from .atomic import replacing
from .intact import check_file

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV (UTF-8, 10 significant digits) or Parquet, by the suffix.

    Raises
    ------
    FileError
        If the suffix is another, pyarrow is missing, or the folder cannot be written.
    """
    _check_suffix(path)
    with replacing(path) as part:
        if path.suffix.lower() == ".csv":
            table.to_csv(part, index=False, encoding="utf-8", float_format="%.10g")
        else:
            table.to_parquet(part, index=False, engine="pyarrow")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` has written.

    Raises
    ------
    FileError
        If it is missing, damaged or neither CSV nor Parquet.
    """
    import pandas as pd

    _check_suffix(path)
    check_file(path)
    try:
        return pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise FileError("A table that can be read is needed", f"{path} ({error})") from error


def _check_suffix(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"A table that ends in {' or '.join(SUFFIXES)} is needed", str(path))
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise FileError(
            "The package pyarrow is needed for Parquet",
            "none",
            'Install it with: pip install "napari-tally[tables]", or use .csv',
        )
