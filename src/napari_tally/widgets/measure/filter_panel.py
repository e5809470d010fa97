"""Pick objects by their measurements, and keep, remove or copy them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleRangeSlider

from ..controls.narrow_combo import narrowed
from ..controls.wrapped_label import WrappedLabel
from ..layers.colormaps import column_values, title_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from .selection import Picked

SOURCE = "filters"
KEEP, REMOVE, COPY, UNDO = "Keep", "Remove", "New layer", "Undo"


class PickPanel(QWidget):
    """Filters, and buttons for the picked objects."""

    asked = Signal(str)  # KEEP, REMOVE, COPY or UNDO

    def __init__(self, picked: Picked, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picked = picked
        self.columns: list[str] = []
        self.filters: list[Filter] = []
        self.add = QPushButton("Add a filter")
        self.add.clicked.connect(self.add_filter)
        self.status = WrappedLabel()
        self.rows = QVBoxLayout()
        self.buttons = {name: QPushButton(name) for name in (KEEP, REMOVE, COPY, UNDO)}
        self.buttons[KEEP].setToolTip("Remove all objects except the picked ones.")
        self.buttons[REMOVE].setToolTip("Remove the picked objects.")
        self.buttons[COPY].setToolTip("Copy the picked objects to a new layer.")
        grid = QGridLayout()
        for place, (name, button) in enumerate(self.buttons.items()):
            button.clicked.connect(lambda _=False, name=name: self.asked.emit(name))
            grid.addWidget(button, 0, place)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.rows)
        column.addWidget(self.add)
        column.addWidget(self.status)
        column.addLayout(grid)
        picked.changed.connect(self._tell)
        self._tell()

    def offer(self, columns: list[str]) -> None:
        """Set the columns of a new table; filters of missing columns are removed."""
        self.columns = columns
        for each in [f for f in self.filters if f.name not in columns]:
            self._drop(each)
        for each in self.filters:
            self._fill(each)
        self._pick()

    @property
    def _table(self) -> pd.DataFrame | None:
        return self.picked.table

    def add_filter(self) -> None:
        """Add a filter on the first column without one."""
        if self._table is None or not self.columns:
            return
        used = {f.name for f in self.filters}
        new = Filter(self.columns)
        name = next((c for c in self.columns if c not in used), self.columns[0])
        new.column.setCurrentIndex(new.column.findData(name))
        self._fill(new)
        new.changed.connect(self._pick)
        new.chosen.connect(lambda: self._fill(new))
        new.closed.connect(lambda: self._drop(new))
        self.filters.append(new)
        self.rows.addWidget(new)
        self._pick()

    def clear(self) -> None:
        """Remove all filters."""
        for each in list(self.filters):
            self._drop(each)

    def _fill(self, one: Filter) -> None:
        if self._table is not None:
            one.take(column_values(self._table, one.name))

    def _drop(self, old: Filter) -> None:
        self.filters.remove(old)
        self.rows.removeWidget(old)
        old.deleteLater()
        self._pick()

    def _pick(self) -> None:
        table = self._table
        if table is None or not self.filters:
            self.picked.pick(SOURCE, None)
            return
        masks = [each.passing(column_values(table, each.name)) for each in self.filters]
        self.picked.pick(SOURCE, np.logical_and.reduce(masks))

    def _tell(self) -> None:
        table, some = self._table, self.picked.some
        count = int(self.picked.mask.sum())
        total = 0 if table is None else len(table)
        self.status.setText(f"{count:,} of {total:,} objects picked" if some else "")
        self.status.setVisible(some)
        self.add.setEnabled(total > 0)
        for name in (KEEP, REMOVE, COPY):
            self.buttons[name].setEnabled(some)


class Filter(QWidget):
    """A column and a range of values; missing values pass only if the range is complete."""

    changed = Signal()
    chosen = Signal()
    closed = Signal()

    def __init__(self, columns: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column = narrowed(QComboBox(), 8)
        for name in columns:
            self.column.addItem(title_of(name), name)
        self.range: Any = QLabeledDoubleRangeSlider(Qt.Orientation.Horizontal)
        self.range.setEdgeLabelMode(QLabeledDoubleRangeSlider.EdgeLabelMode.NoLabel)
        self.limits = 0.0, 0.0
        close = QToolButton()
        close.setText("×")
        close.setToolTip("Remove this filter.")
        top = QHBoxLayout()
        top.addWidget(self.column, 1)
        top.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.range)
        self.column.currentIndexChanged.connect(self.chosen)
        self.range.valueChanged.connect(self.changed)
        close.clicked.connect(self.closed)

    @property
    def name(self) -> str:
        """The column."""
        return str(self.column.currentData())

    def take(self, values: NDArray[np.float64]) -> None:
        """Set the range to that of a column."""
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        self.limits = low, high
        self.range.blockSignals(True)
        span = high - low
        self.range.setDecimals(int(np.clip(3 - np.floor(np.log10(span or 1.0)), 0, 8)))
        self.range.setRange(low, high if span else low + 1.0)
        self.range.setValue((low, high if span else low + 1.0))
        self.range.blockSignals(False)
        self.changed.emit()

    def passing(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which values are in the range."""
        low, high = self.range.value()
        step = 10.0 ** -self.range.decimals()  # the slider's numbers are rounded
        from_start, to_end = low <= self.limits[0] + step, high >= self.limits[1] - step
        inside = (from_start | (values >= low)) & (to_end | (values <= high))
        missing = np.isnan(values)
        found: NDArray[np.bool_] = np.where(missing, from_start and to_end, inside)
        return found
