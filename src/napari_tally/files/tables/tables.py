"""Tables of measurements: CSV, Parquet, Excel workbooks and AnnData."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zipfile import BadZipFile

from pydantic import AfterValidator, Field

from ...core.atomic import replacing
from ...core.errors import FileError
from ...core.escaped import escaped
from ..formats.integrity import check_file
from . import csv, h5ad, xlsx

if TYPE_CHECKING:
    import pandas as pd

    from .h5ad import About

# The package that each format needs, and the name of the format in messages.
_NEEDED = {
    ".csv": ("", "CSV"),
    ".parquet": ("pyarrow", "Parquet"),
    ".xlsx": ("openpyxl", "Excel"),
    ".h5ad": ("anndata", "AnnData"),
}
SUFFIXES = tuple(_NEEDED)
_JOINED = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
_BROKEN = (ValueError, KeyError, OSError, BadZipFile)


def _writable(name: str) -> str:
    check_table_name(Path(f"table.{name}"))
    return name


TableFormat = Annotated[
    Literal["csv", "parquet", "xlsx", "h5ad"],
    AfterValidator(_writable),
    Field(description="File format of the tables."),
]


def write_table(table: pd.DataFrame, path: Path, about: About | None = None) -> None:
    """Write a table as CSV (UTF-8, 10 significant digits), Parquet, XLSX or AnnData, by suffix.

    Parameters
    ----------
    about : mapping, optional
        For each column its `title`, `definition` and `unit`, which AnnData keeps.

    Raises
    ------
    FileError
        If the suffix is unknown, a package is not installed, or the folder cannot be written.
    """
    check_table_name(path)
    with replacing(path) as part:
        _write(csv.with_text(table, escaped), part, path.suffix.lower(), about)


def write_tables(
    tables: Mapping[str, pd.DataFrame], path: Path, about: About | None = None
) -> None:
    """Write the first table to a path and the others to those of `table_paths`.

    See `write_table`.
    """
    check_table_name(path)
    if path.suffix.lower() == ".xlsx":
        with replacing(path) as part:
            xlsx.write({name: csv.with_text(t, escaped) for name, t in tables.items()}, part)
        return
    for table, place in zip(tables.values(), table_paths(list(tables), path), strict=True):
        write_table(table, place, about)


def table_paths(names: list[str], path: Path) -> list[Path]:
    """Return the path of each of several tables, `path` itself for the first.

    The others are sheets of the same workbook, or files beside it: `a_image.csv` beside `a.csv`.
    AnnData holds objects only; the other tables are then CSV.
    """
    suffix = path.suffix
    if suffix.lower() == ".xlsx":
        return [path] * len(names)
    beside = "." + format_beside(suffix[1:])
    return [path, *(path.with_name(f"{path.stem}_{name}{beside}") for name in names[1:])]


def format_beside(table_format: str) -> str:
    """Return the format of tables other than of objects, which AnnData does not hold."""
    return "csv" if table_format.lower() == "h5ad" else table_format


def read_table(path: Path) -> pd.DataFrame:
    """Read a table written by `write_table`; the first sheet of a workbook.

    Raises
    ------
    FileError
        If it is missing, damaged or of another format.
    """
    import pandas as pd

    check_table_name(path)
    check_file(path)
    readers = {
        ".csv": csv.read,
        ".parquet": pd.read_parquet,
        ".xlsx": pd.read_excel,
        ".h5ad": h5ad.read,
    }
    try:
        table: pd.DataFrame = readers[path.suffix.lower()](path)
    except _BROKEN as error:
        raise FileError(f"The table {path} cannot be read ({error})") from error
    return table


def check_table_name(path: Path) -> None:
    """Check the suffix, and that its package is installed.

    Raises
    ------
    FileError
        If one of them fails.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"The table format of {path} is not supported", hint=f"Use {_JOINED}")
    package, kind = _NEEDED[suffix]
    if package and find_spec(package) is None:
        raise FileError(
            f"{kind} tables require the package {package}, which is not installed",
            hint='Install it with: pip install "napari-tally[tables]", or use .csv',
        )


def _write(table: pd.DataFrame, part: Path, suffix: str, about: About | None) -> None:
    if suffix == ".csv":
        csv.guarded(table).to_csv(
            part, index=False, encoding="utf-8", float_format="%.10g", lineterminator="\n"
        )
    elif suffix == ".parquet":
        with part.open("wb") as file:
            table.to_parquet(file, index=False, engine="pyarrow")
    elif suffix == ".xlsx":
        xlsx.write({"objects": table}, part)
    else:
        h5ad.write(table, part, about)
