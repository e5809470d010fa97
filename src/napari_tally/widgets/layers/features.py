"""The features of a label layer, as napari's features table expects them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

OUTDATED = "out of date"  # column of features that are not those of the labels as they are now


def features(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose row i is label i, as napari expects it: row 0 is the background."""
    if "t" in table:
        table = table.drop_duplicates("label")  # classes of many frames: those of the first
    by_label = table.set_index("label", drop=False)
    most = int(table["label"].max()) if len(table) else 0
    return by_label.reindex(range(most + 1)).reset_index(drop=True)
