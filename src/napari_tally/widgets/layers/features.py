"""The features of a label layer, as napari's features table expects them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ...core.volume import Volume

MOST_IDS = 5_000_000  # rows that a table of features may have
OUTDATED = "out of date"  # column of features that are not those of the labels as they are now


def features(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose row i is label i, as napari expects it: row 0 is the background."""
    if "t" in table:
        table = table.drop_duplicates("label")  # classes of many frames: those of the first
    by_label = table.set_index("label", drop=False)
    most = int(table["label"].max()) if len(table) else 0
    return by_label.reindex(range(most + 1)).reset_index(drop=True)


def check_ids(labels: Volume, hint: str) -> None:
    """Raise an `InputError` if ids are too large for a table with one row per id."""
    most = int(np.asarray(labels.array).max(initial=0))
    if most > MOST_IDS:
        where = f" in {labels.name}" if labels.name else ""
        raise InputError(
            f"The largest id{where} is {most:,} but napari shows at most {MOST_IDS:,} rows",
            hint=hint,
        )
