"""The picked objects: by filters and by drawing on a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class Picked(QObject):
    """A table of objects, and the rows that all sources (filters, plots) pick."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.table: pd.DataFrame | None = None
        self._masks: dict[str, NDArray[np.bool_]] = {}

    def take(self, table: pd.DataFrame | None) -> None:
        """Set a new table, with nothing picked."""
        self.table = table
        self._masks = {}
        self.changed.emit()

    def pick(self, source: str, mask: NDArray[np.bool_] | None) -> None:
        """Set the rows that a source picks, None if it picks nothing."""
        if mask is None:
            self._masks.pop(source, None)
        else:
            self._masks[source] = mask
        self.changed.emit()

    @property
    def some(self) -> bool:
        """Whether anything has been picked."""
        return bool(self._masks)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The picked rows; all rows if no source picks any."""
        count = 0 if self.table is None else len(self.table)
        mask = np.ones(count, bool)
        for each in self._masks.values():
            mask &= each
        return mask

    @property
    def ids(self) -> NDArray[np.int64]:
        """The picked labels."""
        if self.table is None:
            return np.zeros(0, np.int64)
        labels: NDArray[np.int64] = self.table["label"].to_numpy(np.int64)
        return labels[self.mask]
