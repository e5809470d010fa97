"""Colour objects by a column of their table, with a colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..controls.narrow_combo import narrowed
from ..layers.colormaps import column_colors, column_values, label_colormap, limits_of, title_of

if TYPE_CHECKING:
    from napari.layers import Labels

    from .selection import Picked

MAPS = ("viridis", "plasma", "cividis", "turbo")
OWN = "their own"
_MOST_COLOURS = 200_000  # ids: napari is slow with more colours


class ColourPanel(QWidget):
    """Column, colormap and colour bar; the original colours can be restored."""

    def __init__(self, picked: Picked, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picked = picked
        self.layer: Labels | None = None
        self.column, self.map = _combo(), _combo()
        self.map.addItems(MAPS)
        self.bar, self.low, self.high = QLabel(), QLabel(), QLabel()
        self.bar.setScaledContents(True)
        self.bar.setFixedHeight(10)
        self._before: Any = None  # the colormap that the layer had
        self._lay()
        self.column.currentIndexChanged.connect(self.show_colours)
        self.map.currentIndexChanged.connect(self.show_colours)
        picked.changed.connect(self.show_colours)

    def _lay(self) -> None:
        self.legend = QWidget()
        ends = QHBoxLayout()
        ends.addWidget(self.low)
        ends.addStretch(1)
        ends.addWidget(self.high)
        column = QVBoxLayout(self.legend)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.bar)
        column.addLayout(ends)
        row = QHBoxLayout()
        row.addWidget(self.column, 3)
        row.addWidget(self.map, 2)
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Colour by", row)
        rows.addRow(self.legend)
        self.legend.setVisible(False)

    def follow(self, layer: Labels) -> None:
        """Switch to another layer; the last one gets its original colours."""
        if self.layer is not layer:
            self.give_back()
            self.layer = layer

    def offer(self, columns: list[str]) -> None:
        """List columns; the choice stays if it is available."""
        before = self.column.currentData()
        self.column.blockSignals(True)
        self.column.clear()
        self.column.addItem(OWN, None)
        for name in columns:
            self.column.addItem(title_of(name), name)
        self.column.setCurrentIndex(max(0, self.column.findData(before)))
        self.column.blockSignals(False)
        self.show_colours()

    def give_back(self) -> None:
        """Restore the original colours of the layer."""
        if self.layer is not None and self._before is not None:
            self.layer.colormap = self._before
        self._before = None

    def show_colours(self) -> None:
        """Colour the objects; those that are not picked are dimmed."""
        column, table = self.column.currentData(), self.picked.table
        self.legend.setVisible(column is not None)
        if self.layer is None or table is None:
            return
        if column is None and not self.picked.some:
            self.give_back()
            return
        if not 0 < len(table) <= _MOST_COLOURS:
            return
        if self._before is None:
            self._before = self.layer.colormap
        ids = table["label"].to_numpy(np.int64)
        if column is None:
            colors = np.asarray(self._before.map(ids), np.float64)
        else:
            values = column_values(table, column)
            colors = column_colors(values, self.map.currentText())
            self._draw_bar(*limits_of(values))
        # An object of several frames is drawn if it is picked in any.
        mask = np.isin(ids, self.picked.ids)
        self.layer.colormap = label_colormap(ids, colors, mask)

    def _draw_bar(self, low: float, high: float) -> None:
        colors = column_colors(np.linspace(0, 1, 256), self.map.currentText())
        pixels = np.ascontiguousarray((colors[None, :, :3] * 255).astype(np.uint8))
        image = QImage(pixels.tobytes(), 256, 1, 3 * 256, QImage.Format.Format_RGB888)
        self.bar.setPixmap(QPixmap.fromImage(image))
        self.low.setText(f"{low:.4g}")
        self.high.setText(f"{high:.4g}   grey: none")


def _combo() -> QComboBox:
    combo = narrowed(QComboBox(), 6)
    combo.setMaxVisibleItems(20)
    combo.view().setTextElideMode(Qt.TextElideMode.ElideNone)  # type: ignore[union-attr]
    return combo
