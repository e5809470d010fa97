"""CSV whose text no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Spreadsheets run text that begins so; a quote in front makes it text. Numbers are no text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARD = "'"


def guarded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a quote in front of text, and of names of columns, that look so."""
    columns = {name: [_guard(value) for value in table[name]] for name in _of_text(table)}
    return (table.assign(**columns) if columns else table).rename(columns=_guard)


def read(path: Path) -> pd.DataFrame:
    """Read a table with its text as it was before `guarded`."""
    import pandas as pd

    table: pd.DataFrame = pd.read_csv(path)
    columns = {name: [_unguard(value) for value in table[name]] for name in _of_text(table)}
    return (table.assign(**columns) if columns else table).rename(columns=_unguard)


def _of_text(table: pd.DataFrame) -> list[str]:
    return [name for name in table if table[name].map(type).eq(str).any()]


def _guard(value: Any) -> Any:
    return _GUARD + value if isinstance(value, str) and _FORMULA.match(value) else value


def _unguard(value: Any) -> Any:
    guard = isinstance(value, str) and value.startswith(_GUARD) and _FORMULA.match(value)
    return value.removeprefix(_GUARD) if guard else value
