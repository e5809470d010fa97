"""Data dictionaries: the meaning and provenance of table columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..features.declare.feature import Feature, Per
from ..features.registry import GROUPS
from ..files.run_record import versions

if TYPE_CHECKING:
    import pandas as pd

    Meaning = dict[str, str]

_LENGTHS = ("um", "mm", "px")
# Columns other than measurements.
OTHER_COLUMNS = (
    Feature("file", "File", "The label image."),
    Feature("label", "Id", "The object's id in the label image."),
    Feature("t", "Frame", "From 0."),
    Feature("track", "Track", "The object's id in the linked labels: the same in all frames."),
    Feature("class", "Class", "Id of the object's class."),
    Feature(
        "class_name", "Class", "Name of the object's class; in a summary, empty for all objects."
    ),
    Feature(
        "confidence",
        "Confidence",
        "Probability that the object (or its voxels) is a true positive.",
    ),
    Feature("score", "Score", "Score that the model gave the object, from 0 to 1."),
    Feature(
        "visible_area",
        "Visible area",
        "Area of the object that no object with a better score covers.",
        2,
        ndim=(2,),
    ),
    Feature(
        "visible_volume",
        "Visible volume",
        "Volume of the object that no object with a better score covers.",
        3,
        ndim=(3,),
    ),
    Feature("parent", "Parent", "Id of the parent that contains most of the object; 0 for none."),
    Feature(
        "parent_share", "Share in the parent", "Fraction of the object's voxels in its parent."
    ),
    Feature("children_count", "Children", "Number of objects that have this one as parent."),
    Feature("count", "Count", "Number of objects."),
    Feature("fraction", "Fraction", "Fraction of the image covered by objects."),
    Feature("density", "Density", "Number of objects per unit of area.", -2, ndim=(2,)),
    Feature("density", "Density", "Number of objects per unit of volume.", -3, ndim=(3,)),
)
# Prefixes of columns that are derived from others.
MADE = {
    "median_": ("Median: {title}", "Median over the objects. {definition}"),
    "total_": ("Total: {title}", "Sum over the objects. {definition}"),
    "children_": ("Children: {title}", "Sum over the children. {definition}"),
}


def meanings(columns: Sequence[str]) -> dict[str, Meaning]:
    """Return the title, definition, unit and source (if any) of each column.

    Columns of a channel also have `channel`, measurements `group`. The title of an unknown column
    is its name.
    """
    known = _known()
    return {name: _meaning(name, known) for name in map(str, columns)}


def data_dictionary(
    tables: Mapping[str, tuple[str, pd.DataFrame]],
    sources: Mapping[str, Any],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return all that is needed to use the tables without this program.

    Parameters
    ----------
    tables : mapping
        For each table, by name: its file name and the table.
    sources : mapping
        Input files.
    options : mapping
        Measurement options.
    """
    return {
        "made_by": "napari-tally",
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "sources": dict(sources),
        "options": dict(options),
        "tables": {
            name: {"file": file, "rows": len(table), "columns": meanings(list(table))}
            for name, (file, table) in tables.items()
        },
        "versions": versions(),
    }


def formatted_unit(unit: str) -> str:
    """Format a unit: "um2" as µm², "per_mm3" as 1/mm³, "deg" as °."""
    words = {"um": "µm", "2": "²", "3": "³", "per_": "1/", "deg": "°"}
    for short, long in words.items():
        unit = unit.replace(short, long)
    return unit


def _known() -> dict[str, Meaning]:
    """Return the meaning of each column by its name, with unit and without channel."""
    groups = [("", OTHER_COLUMNS), *((name, group.features) for name, group in GROUPS.items())]
    known: dict[str, Meaning] = {}
    for group, features in groups:
        for feature in features:
            known |= _of_feature(feature, group)
    return known


def _of_feature(feature: Feature, group: str) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for length in _LENGTHS:
        unit = feature.suffix(length)
        meaning = {
            "title": feature.title,
            "definition": feature.definition,
            "unit": unit.removeprefix("_"),
            "source": feature.source,
            "group": group,
            "channel": "" if feature.per is Per.OBJECT else "*",
        }
        keys = [key + unit for ndim in feature.ndim for key in feature.keys(ndim)]
        found |= {key: {k: v for k, v in meaning.items() if v or k == "unit"} for key in keys}
    return found


def _meaning(name: str, known: Mapping[str, Meaning]) -> Meaning:
    for start in _starts(name):
        found = known.get(start)
        if found is not None and (start == name or "channel" in found):
            channel = {"channel": name.removeprefix(start + "_")} if start != name else {}
            return {k: v for k, v in found.items() if k != "channel"} | channel
    for start, (title, definition) in MADE.items():
        if name.startswith(start):
            inner = _meaning(name.removeprefix(start), known)
            words = {k: inner.get(k, "") for k in ("title", "definition")}
            return inner | {
                "title": title.format(**words),
                "definition": definition.format(**words).strip(),
            }
    return {"title": name, "definition": "", "unit": ""}


def _starts(name: str) -> list[str]:
    """Return the name and its prefixes that end before an underscore, longest first."""
    parts = name.split("_")
    return ["_".join(parts[:n]) for n in range(len(parts), 0, -1)]
