"""Summary of a whole image and of each class: count, density, totals and medians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..objects.summary import size_column

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume

# Ids and positions, whose medians are meaningless.
_IDS = {"label", "t", "track", "class", "parent"}
_PLACES = ("parent_", "nearest_neighbour", "bbox_", "centroid_", "touches_")


def per_image(table: pd.DataFrame, labels: Volume) -> pd.DataFrame:
    """Return one row per image or frame, and one per class of its objects.

    Columns: `t` in a series; `class_name` if there are classes (empty in the row of all objects);
    `count`; `density`, objects per unit of area or volume; their total size and the fraction of the
    image that they cover; the median of each measurement.

    Parameters
    ----------
    table : pandas.DataFrame
        The result of `measure_volumes`.
    labels : Volume
        The labels that were measured.
    """
    import pandas as pd

    frames = range(labels.shape[labels.axes.index("T")]) if "T" in labels.axes else [None]
    rows = []
    for t in frames:
        here = table if t is None else table[table["t"] == t]
        start = {} if t is None else {"t": t}
        rows.append(start | _row(here, labels, None))
        if "class_name" in table:
            rows += [start | _row(part, labels, n) for n, part in here.groupby("class_name")]
    summary = pd.DataFrame(rows)
    return summary if "class_name" in table else summary.drop(columns="class_name")


def _row(table: pd.DataFrame, labels: Volume, name: Any) -> dict[str, Any]:
    size = size_column(table)
    row: dict[str, Any] = {"class_name": name, "count": len(table)}
    if size:
        unit = size.partition("_")[2]
        total, extent = float(table[size].sum()), _extent(labels, unit.rstrip("23"))
        row[f"density_per_{unit}"] = len(table) / extent if extent else math.nan
        row[f"total_{size}"] = total
        row["fraction"] = total / extent if extent else math.nan
    medians = table.select_dtypes("number").drop(columns=_IDS, errors="ignore").median()
    return row | {f"median_{k}": v for k, v in medians.items() if not k.startswith(_PLACES)}


def _extent(labels: Volume, unit: str) -> float:
    """Return the area or volume of the image."""
    voxel = math.prod(labels.spacing_in(unit) if labels.calibrated else ())
    return math.prod(labels.spatial_shape) * voxel
