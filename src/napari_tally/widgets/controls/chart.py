"""Matplotlib charts in a dock: the canvas, and napari's colours."""

from __future__ import annotations

from typing import Any


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
