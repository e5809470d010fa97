"""Say in one line what a table of objects holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

POWERS = {"area": "²", "volume": "³"}


def summary(table: pd.DataFrame, singular: str = "object", plural: str = "objects") -> str:
    """Return such a line as "312 nuclei, median area 84.2 µm²", or "0 objects".

    Parameters
    ----------
    table : pandas.DataFrame
        As `measure` returns it, one row an object.
    singular, plural : str
        What one object and several are called.
    """
    count = f"{len(table):,} {singular if len(table) == 1 else plural}"
    size = _median_size(table) if len(table) else ""
    if not size:
        return count
    return f"{count}, {size}" if len(table) == 1 else f"{count}, median {size}"


def _median_size(table: pd.DataFrame) -> str:
    """Return the size in words, as "area 84.2 µm²"; empty if the table has none."""
    for column in table.columns:
        kind, _, unit = str(column).partition("_")
        if kind in POWERS:
            name = unit.rstrip("23").replace("um", "µm")
            return f"{kind} {_number(float(table[column].median()))} {name}{POWERS[kind]}"
    return ""


def _number(value: float) -> str:
    """Write three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"
