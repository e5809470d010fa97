"""Table of training images: pairs of an image layer and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

_IMAGE, _LABELS, _HELD_OUT = range(3)
_ROWS = 3  # visible without scrolling


@dataclass(frozen=True, eq=False)
class PairOfLayers:
    """An image layer, its labels, and whether it is held out for validation."""

    image: Any
    labels: Any
    held_out: bool


class PairsTable(QTableWidget):
    """One row per pair, ticked if it is held out for validation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setHorizontalHeaderLabels(["Image", "Labels", "Validate"])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setToolTip(
            "Ticked pairs are held out for validation: they decide which weights are best."
        )
        header, side = self.horizontalHeader(), self.verticalHeader()
        assert header is not None and side is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        side.setVisible(False)
        self.setFixedHeight(header.sizeHint().height() + _ROWS * side.defaultSectionSize())

    def add(self, image: Any, labels: Any) -> None:
        """Add a pair, unless the table has it."""
        if any(p.image is image and p.labels is labels for p in self.chosen()):
            return
        row = self.rowCount()
        self.insertRow(row)
        for place, layer in ((_IMAGE, image), (_LABELS, labels)):
            item = QTableWidgetItem(layer.name)
            item.setToolTip(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            self.setItem(row, place, item)
        tick = QTableWidgetItem()
        tick.setCheckState(Qt.CheckState.Unchecked)
        self.setItem(row, _HELD_OUT, tick)

    def chosen(self) -> list[PairOfLayers]:
        """Return the pairs."""
        return [self._pair(row) for row in range(self.rowCount())]

    def remove_selected(self) -> None:
        """Remove the selected pairs."""
        rows = {index.row() for index in self.selectedIndexes()}
        for row in sorted(rows, reverse=True):
            self.removeRow(row)

    def _pair(self, row: int) -> PairOfLayers:
        image, labels, tick = (self.item(row, i) for i in range(3))
        assert image is not None and labels is not None and tick is not None
        role = Qt.ItemDataRole.UserRole
        held_out = tick.checkState() == Qt.CheckState.Checked
        return PairOfLayers(image.data(role), labels.data(role), held_out)
