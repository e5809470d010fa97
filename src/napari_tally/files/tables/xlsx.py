"""Tables as sheets of an Excel workbook, with a frozen header row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import FileError

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_048_576  # of a sheet, the header included


def write(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write each table to a sheet with its name.

    Missing numbers are empty cells. Text that begins with `=` stays text.

    Raises
    ------
    FileError
        If a table has more rows than a sheet can hold.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, table in tables.items():
        if len(table) >= MAX_ROWS:
            raise FileError(
                f"The table has {len(table):,} rows, but Excel allows {MAX_ROWS - 1:,}",
                hint="Use .parquet or .csv",
            )
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for row in _rows(table):
            sheet.append([_cell(value, sheet) for value in row])
    file = BytesIO()  # a full disk would end the writer half-way, which complains at its end
    book.save(file)
    path.write_bytes(file.getbuffer())


def _rows(table: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    yield tuple(map(str, table.columns))
    yield from table.astype(object).itertuples(index=False, name=None)


def _cell(value: Any, sheet: Any) -> Any:
    """Return a value for openpyxl, which would write text as formulas and infinity as a number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    return cell
