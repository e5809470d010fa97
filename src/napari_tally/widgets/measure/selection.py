"""Which objects are picked: by filters and by what is drawn on a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class Picked(QObject):
    """A table of objects, and the rows that every source (a filter, a plot) agrees on."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.table: pd.DataFrame | None = None
        self._masks: dict[str, NDArray[np.bool_]] = {}

    def take(self, table: pd.DataFrame | None) -> None:
        """Take a new table; nothing is picked then."""
        self.table = table
        self._masks = {}
        self.changed.emit()

    def pick(self, source: str, mask: NDArray[np.bool_] | None) -> None:
        """Take the rows that a source picks, None if it has no say."""
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
        """The rows that are picked; all of them if no source has a say."""
        count = 0 if self.table is None else len(self.table)
        mask = np.ones(count, bool)
        for each in self._masks.values():
            mask &= each
        return mask

    @property
    def ids(self) -> NDArray[np.int64]:
        """The labels that are picked."""
        if self.table is None:
            return np.zeros(0, np.int64)
        labels: NDArray[np.int64] = self.table["label"].to_numpy(np.int64)
        return labels[self.mask]
