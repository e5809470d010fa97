"""Table of segmentation errors; a click goes to the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {"fate": "Error", "side": "Side", "label": "Id", "partner": "Match", "iou": "IoU"}
_CORRECT = ("found", "true")
_MOST = 5_000  # rows that a Qt table shows without a delay
_HEIGHT = 150


class ErrorList(QTableWidget):
    """One row per error, the largest objects first; every column sorts."""

    chosen = Signal(str, int)  # "true" or "predicted", and the label

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_COLUMNS), parent)
        self.setHorizontalHeaderLabels(list(_COLUMNS.values()))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setMinimumHeight(_HEIGHT)
        top, side = self.horizontalHeader(), self.verticalHeader()
        assert top is not None and side is not None
        top.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        side.setVisible(False)
        self.currentCellChanged.connect(self._say)

    def show_objects(self, table: pd.DataFrame) -> None:
        """Show the errors in a table of match outcomes."""
        wrong = table[~table["fate"].isin(_CORRECT)].sort_values("size_px", ascending=False)
        self.blockSignals(True)
        self.setSortingEnabled(False)
        self.setRowCount(min(len(wrong), _MOST))
        for row, (_, one) in enumerate(wrong.head(_MOST).iterrows()):
            for place, name in enumerate(_COLUMNS):
                item = QTableWidgetItem()
                value = one[name]
                plain = str(value) if isinstance(value, str) else round(float(value), 2)
                item.setData(Qt.ItemDataRole.DisplayRole, plain)
                self.setItem(row, place, item)
        self.setSortingEnabled(True)
        self.blockSignals(False)

    def _say(self, row: int, _column: int = 0, *_before: int) -> None:
        side, label = self.item(row, 1), self.item(row, 2)
        if side is not None and label is not None:
            self.chosen.emit(side.text(), int(float(label.text())))
