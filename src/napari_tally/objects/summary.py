"""One-line summaries of tables of objects or classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

POWERS = {"area": "²", "volume": "³"}
_MOST_CLASSES = 6  # that are named; the largest


def summary(table: pd.DataFrame, singular: str = "object", plural: str = "objects") -> str:
    """Return a line such as "312 nuclei, median area 84.2 µm²", or "0 objects".

    Parameters
    ----------
    table : pandas.DataFrame
        As `measure` returns it, one row per object.
    singular, plural : str
        Nouns for one object and for several.
    """
    count = f"{len(table):,} {singular if len(table) == 1 else plural}"
    size = _median_size(table) if len(table) else ""
    if not size:
        return count
    return f"{count}, {size}" if len(table) == 1 else f"{count}, median {size}"


def class_summary(table: pd.DataFrame) -> str:
    """Return a line such as "anterior 1,512 mm³, posterior 1,401 mm³".

    Parameters
    ----------
    table : pandas.DataFrame
        One row per class (and frame), with `class_name` and an area or volume. Series are averaged
        over frames.
    """
    column, unit = _size(table)
    sizes = table.groupby("class", sort=True)[column].mean()
    names = table.drop_duplicates("class").set_index("class")["class_name"]
    named = sizes.sort_values(ascending=False, kind="stable").index[:_MOST_CLASSES]
    parts = [f"{names[i]} {_number(float(sizes[i]))} {unit}" for i in sizes.index if i in named]
    more = f" and {len(sizes) - len(named)} smaller classes" if len(sizes) > len(named) else ""
    frames = table["t"].nunique() if "t" in table else 1
    return (f"mean of {frames} frames: " if frames > 1 else "") + ", ".join(parts) + more


def _median_size(table: pd.DataFrame) -> str:
    """Return the size in words, as "area 84.2 µm²"; empty if the table has none."""
    column, unit = _size(table)
    return (
        f"{column.partition('_')[0]} {_number(float(table[column].median()))} {unit}"
        if column
        else ""
    )


def size_column(table: pd.DataFrame) -> str:
    """Return the name of the column that holds the area or volume; "" without one."""
    return next((c for c in map(str, table.columns) if c.partition("_")[0] in POWERS), "")


def _size(table: pd.DataFrame) -> tuple[str, str]:
    """Return the column that holds the area or volume, and its unit in words; "" without one."""
    column = size_column(table)
    kind, _, unit = column.partition("_")
    return (column, unit.rstrip("23").replace("um", "µm") + POWERS[kind]) if column else ("", "")


def _number(value: float) -> str:
    """Write three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"
