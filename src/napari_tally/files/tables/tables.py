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
from ..formats.integrity import check_file
from . import h5ad, xlsx

if TYPE_CHECKING:
    import pandas as pd

    from .h5ad import About

# The package that each takes, and its name in messages.
_NEEDED = {
    ".csv": ("", "CSV"),
    ".parquet": ("pyarrow", "Parquet"),
    ".xlsx": ("openpyxl", "Excel"),
    ".h5ad": ("anndata", "AnnData"),
}
SUFFIXES = tuple(_NEEDED)
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
    """Write a table by the suffix: CSV (UTF-8, 10 significant digits), Parquet, XLSX or AnnData.

    Parameters
    ----------
    about : mapping, optional
        For each column its `title`, `definition` and `unit`, which AnnData keeps.

    Raises
    ------
    FileError
        If the suffix is another, a package is not installed, or the folder cannot be written.
    """
    check_table_name(path)
    with replacing(path) as part:
        _write(table, part, path.suffix.lower(), about)


def write_tables(
    tables: Mapping[str, pd.DataFrame], path: Path, about: About | None = None
) -> None:
    """Write the first table to a path and the others to those of `table_paths`.

    Takes and raises what `write_table` does.
    """
    check_table_name(path)
    if path.suffix.lower() == ".xlsx":
        with replacing(path) as part:
            xlsx.write(tables, part)
        return
    for table, place in zip(tables.values(), table_paths(list(tables), path), strict=True):
        write_table(table, place, about)


def table_paths(names: list[str], path: Path) -> list[Path]:
    """Return the path of each of several tables, `path` itself for the first.

    The others are sheets of the same xlsx, or files beside it: `a_image.csv` beside `a.csv`.
    AnnData holds observations of objects only, and has CSV beside it.
    """
    suffix = path.suffix
    if suffix.lower() == ".xlsx":
        return [path] * len(names)
    beside = "." + format_beside(suffix[1:])
    return [path, *(path.with_name(f"{path.stem}_{name}{beside}") for name in names[1:])]


def format_beside(table_format: str) -> str:
    """Return the format of tables that are not of objects, for which AnnData has no room."""
    return "csv" if table_format.lower() == "h5ad" else table_format


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` has written; of a workbook the first sheet.

    Raises
    ------
    FileError
        If it is missing, damaged or none of these.
    """
    import pandas as pd

    check_table_name(path)
    check_file(path)
    readers = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".xlsx": pd.read_excel,
        ".h5ad": h5ad.read,
    }
    try:
        found: pd.DataFrame = readers[path.suffix.lower()](path)
    except _BROKEN as error:
        raise FileError("A table that can be read is needed", f"{path} ({error})") from error
    return found


def check_table_name(path: Path) -> None:
    """Refuse a name with another suffix, or one whose package is not installed.

    Raises
    ------
    FileError
        In these cases.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"A table that ends in {' or '.join(SUFFIXES)} is needed", str(path))
    package, kind = _NEEDED[suffix]
    if package and find_spec(package) is None:
        raise FileError(
            f"The package {package} is needed for {kind}",
            "none",
            'Install it with: pip install "napari-tally[tables]", or use .csv',
        )


def _write(table: pd.DataFrame, part: Path, suffix: str, about: About | None) -> None:
    if suffix == ".csv":
        table.to_csv(part, index=False, encoding="utf-8", float_format="%.10g", lineterminator="\n")
    elif suffix == ".parquet":
        table.to_parquet(part, index=False, engine="pyarrow")
    elif suffix == ".xlsx":
        xlsx.write({"objects": table}, part)
    else:
        h5ad.write(table, part, about)
