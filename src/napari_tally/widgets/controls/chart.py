"""Matplotlib charts in a dock: the canvas, and napari's colours."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget


class Chart(QWidget):
    """A chart that loads matplotlib, which takes half a second, when it is first drawn.

    Parameters
    ----------
    height : int
        Least height in px.
    """

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(height)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    @cached_property
    def canvas(self) -> Any:
        """The widget that shows the figure."""
        from matplotlib.figure import Figure

        canvas = canvas_of(Figure(layout="constrained"))
        self._column.addWidget(canvas)
        return canvas

    @property
    def figure(self) -> Any:
        """The figure of the chart."""
        return self.canvas.figure


def dress(figure: Any, axes: Any, theme: str) -> str:
    """Give a chart the colours of napari's theme, and return that of its text."""
    from napari.utils.theme import get_theme

    chosen = get_theme(theme)
    ground, text = chosen.background.as_hex(), str(chosen.text.as_hex())
    figure.set_facecolor(ground)
    axes.set_facecolor(ground)
    axes.tick_params(colors=text, labelsize=8)
    axes.xaxis.label.set_color(text)
    axes.yaxis.label.set_color(text)
    for side, spine in axes.spines.items():
        spine.set_color(text)
        spine.set_visible(side in ("left", "bottom"))
    return text


def canvas_of(figure: Any) -> Any:
    """Return a Qt widget that shows a figure."""
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

    canvas: Any = FigureCanvasQTAgg
    canvas = canvas(figure)
    canvas.setMinimumHeight(90)
    return canvas
