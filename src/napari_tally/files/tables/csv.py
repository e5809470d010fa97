"""CSV whose text no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Spreadsheets run text that begins so; a quote in front makes it text. Numbers are no text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARD = "'"


def guarded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a quote in front of text, and of names of columns, that look so."""
    return with_text(table, _guard).rename(columns=_guard)


def read(path: Path) -> pd.DataFrame:
    """Read a table with its text as it was before `guarded`."""
    import pandas as pd

    return with_text(pd.read_csv(path), _unguard).rename(columns=_unguard)


def with_text(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """Return a table with each text in its cells changed."""
    changed = {}
    for name in [n for n in table if table[n].dtype.kind == "O"]:
        before = list(table[name])
        after = [change(v) if isinstance(v, str) else v for v in before]
        if any(a != b for a, b in zip(after, before, strict=True) if isinstance(b, str)):
            changed[name] = after
    return table.assign(**changed) if changed else table


def _guard(text: str) -> str:
    return _GUARD + text if _FORMULA.match(text) else text


def _unguard(text: str) -> str:
    return text.removeprefix(_GUARD) if text.startswith(_GUARD) and _FORMULA.match(text) else text
