"""Histogram and scatter plot of measurements; drawing on them picks objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..controls.chart import canvas_of, dress
from ..controls.narrow_combo import narrowed
from ..layers.colormaps import column_values, title_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from .selection import Picked

SOURCE = "plot"
COUNT = "count"
_BINS = 40
_FULL, _FAINT = "#4c9be8", "#8888884d"


class PlotDock(QWidget):
    """One column as a histogram, or two as a scatter plot."""

    def __init__(self, viewer: ViewerModel, picked: Picked, parent: QWidget | None = None) -> None:
        from matplotlib.figure import Figure

        super().__init__(parent)
        self.viewer, self.picked = viewer, picked
        self.x_column, self.y_column = narrowed(QComboBox(), 10), narrowed(QComboBox(), 10)
        self.clear = QPushButton("Pick all")
        self.figure = Figure(layout="constrained")
        self.canvas: Any = canvas_of(self.figure)
        self.selector: Any = None
        self.points: NDArray[np.float64] = np.zeros((0, 2))
        row = QHBoxLayout()
        for words, part in (("X", self.x_column), ("Y", self.y_column)):
            row.addWidget(QLabel(words))
            row.addWidget(part, 1)
        row.addWidget(self.clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.canvas, 1)
        for combo in (self.x_column, self.y_column):
            combo.currentIndexChanged.connect(self._columns_changed)
        self.clear.clicked.connect(lambda: picked.pick(SOURCE, None))
        picked.changed.connect(self.draw)
        viewer.events.theme.connect(self.draw)

    def offer(self, columns: list[str]) -> None:
        """List columns; the choices stay if they are available."""
        for combo, first in ((self.x_column, []), (self.y_column, [COUNT])):
            before = combo.currentData()
            combo.blockSignals(True)
            combo.clear()
            for name in (*first, *columns):
                combo.addItem(title_of(name), name)
            combo.setCurrentIndex(max(0, combo.findData(before)))
            combo.blockSignals(False)
        self.draw()

    def stop(self) -> None:
        """Disconnect from the viewer."""
        self.viewer.events.theme.disconnect(self.draw)

    @property
    def is_histogram(self) -> bool:
        """Whether there is one column only."""
        return self.y_column.currentData() in (None, COUNT)

    def draw(self, _event: Any = None) -> None:
        """Draw the table with the current selection."""
        self.figure.clear()
        self.selector = None
        table, x = self.picked.table, self.x_column.currentData()
        if table is None or x is None or not len(table):
            self.canvas.draw_idle()
            return
        axes = self.figure.subplots()
        dress(self.figure, axes, self.viewer.theme)
        axes.set_xlabel(title_of(x))
        values = column_values(table, x)
        if self.is_histogram:
            self._histogram(axes, values)
        else:
            self._scatter(axes, values, column_values(table, self.y_column.currentData()))
        self.canvas.draw_idle()

    def _histogram(self, axes: Any, values: NDArray[np.float64]) -> None:
        from matplotlib.widgets import SpanSelector

        self.points = np.stack([values, np.zeros_like(values)], axis=1)
        finite = values[np.isfinite(values)]
        if not len(finite):
            return
        edges = np.histogram_bin_edges(finite, min(_BINS, max(5, int(len(finite) ** 0.5) * 2)))
        axes.hist(finite, edges, color=_FAINT)
        axes.hist(values[np.isfinite(values) & self.picked.mask], edges, color=_FULL)
        axes.set_ylabel("objects")
        axes.set_xlim(edges[0], edges[-1])
        self.selector = SpanSelector(
            axes, self.pick_span, "horizontal", props={"alpha": 0.25, "facecolor": _FULL}
        )

    def _scatter(self, axes: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        from matplotlib.widgets import LassoSelector

        self.points = np.stack([x, y], axis=1)
        mask = self.picked.mask
        axes.scatter(x[~mask], y[~mask], s=9, color=_FAINT, linewidths=0)
        axes.scatter(x[mask], y[mask], s=9, color=_FULL, linewidths=0)
        axes.set_ylabel(title_of(str(self.y_column.currentData())))
        self.selector = LassoSelector(axes, self.pick_lasso, props={"color": _FULL})

    def pick_span(self, low: float, high: float) -> None:
        """Pick the objects between two values; a click without a drag picks all."""
        if high <= low:
            self.picked.pick(SOURCE, None)
            return
        x = self.points[:, 0]
        self.picked.pick(SOURCE, (x >= low) & (x <= high))

    def pick_lasso(self, corners: list[tuple[float, float]]) -> None:
        """Pick the objects inside a drawn line; a click without a drag picks all."""
        from matplotlib.path import Path

        if len(corners) < 3:
            self.picked.pick(SOURCE, None)
            return
        inside = Path(corners).contains_points(np.nan_to_num(self.points))
        self.picked.pick(SOURCE, inside & np.isfinite(self.points).all(axis=1))

    def _columns_changed(self) -> None:
        self.picked.pick(SOURCE, None)  # which draws
