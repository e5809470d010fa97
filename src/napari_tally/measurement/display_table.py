"""Tables for reports: titles with units, few digits, and volumes in mL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..figures.html import Table, identity
from .data_dictionary import formatted_unit

if TYPE_CHECKING:
    import pandas as pd

_IDS = ("label", "t", "track", "class", "parent")
ML_IN_MM3 = 1e-3


def listing(table: pd.DataFrame, names: Sequence[str], meanings: Mapping[str, Any]) -> Table:
    """Return columns of a table for a report.

    Parameters
    ----------
    names : sequence of str
        The columns to show, in order.
    meanings : mapping
        The title and unit of each column.
    """
    shown: dict[str, list[Any]] = {}
    for name in names:
        values = table[name].tolist()
        shown[title(meanings[name])] = [identity(v) for v in values] if name in _IDS else values
        if meanings[name]["unit"] == "mm3":
            shown[f"{meanings[name]['title']} (mL)"] = [v * ML_IN_MM3 for v in values]
    return Table(list(shown), list(zip(*shown.values(), strict=True)))


def title(meaning: Mapping[str, str]) -> str:
    """Return the title of a column with its channel and unit: "Area (µm²)"."""
    channel = f", {meaning['channel']}" if meaning.get("channel") else ""
    unit = f" ({formatted_unit(meaning['unit'])})" if meaning["unit"] else ""
    return f"{meaning['title']}{channel}{unit}"
