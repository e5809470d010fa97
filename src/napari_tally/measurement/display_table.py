"""Tables for readers: titles with units instead of names, few digits, volumes in mL too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..figures.html import numbers, short
from .data_dictionary import unit_in_words

if TYPE_CHECKING:
    import pandas as pd

_IDS = ("label", "t", "track", "class", "parent")
ML_IN_MM3 = 1e-3
_NONE = "–"


def listing(table: pd.DataFrame, names: Sequence[str], meanings: Mapping[str, Any]) -> str:
    """Return columns of a table as HTML.

    Parameters
    ----------
    names : sequence of str
        The columns, in order.
    meanings : mapping
        For each column its title and unit.
    """
    shown: dict[str, list[str]] = {}
    for name in names:
        values = table[name].tolist()
        write = _identity if name in _IDS else _words
        shown[title(meanings[name])] = [write(value) for value in values]
        if meanings[name]["unit"] == "mm3":
            millilitres = [value * ML_IN_MM3 for value in values]
            shown[f"{meanings[name]['title']} (mL)"] = [_words(value) for value in millilitres]
    return numbers(list(shown), zip(*shown.values(), strict=True))


def title(meaning: Mapping[str, str]) -> str:
    """Return what a column is called, with its channel and its unit: "Area (µm²)"."""
    channel = f", {meaning['channel']}" if meaning.get("channel") else ""
    unit = f" ({unit_in_words(meaning['unit'])})" if meaning["unit"] else ""
    return f"{meaning['title']}{channel}{unit}"


def _identity(value: Any) -> str:
    return _NONE if value is None or value != value else str(int(value))


def _words(value: Any) -> str:
    """Write four digits, or all before the point; yes and no; what is missing as a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _NONE
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else short(value)
