"""Charts as SVG that a page holds: the text stays text, and the same numbers give the same file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # of Okabe & Ito
_DASHES = ("-", "--", ":", "-.")  # for print in greys
_BARS = "#3b6ea5"
_STEEP = 30  # times the median
_PX = 1 / 96  # inches
_SVG: Any = {"svg.hashsalt": "napari-tally", "svg.fonttype": "none"}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def ap_curve(named: Sequence[tuple[str, pd.DataFrame]]) -> Markup:
    """Draw the mean AP over images at each IoU threshold, a line for each table of thresholds."""
    figure, axes = _chart(560, 320)
    axes.set(xlabel="IoU threshold", ylabel="AP, mean over images", ylim=(-0.01, 1.01))
    for i, (_, table) in enumerate(named):
        color, dash = _LINES[i % len(_LINES)], _DASHES[i % len(_DASHES)]
        axes.plot(table["iou"], table["ap_mean"], dash, color=color, marker="o", gid=f"curve-{i}")
    if len(named) > 1:
        legend = axes.legend(axes.lines, map(str, range(len(named))), loc="lower left")
        for text, (name, _) in zip(legend.get_texts(), named, strict=True):
            text.set(text=name, parse_math=False)
    return _svg(figure, "AP over IoU threshold")


def histogram(values: NDArray[Any], label: str) -> Markup | None:
    """Draw the distribution of finite values, None without any.

    The axis is logarithmic where a few values are much larger than all others.
    """
    from matplotlib.ticker import MaxNLocator

    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    bins = int(np.clip(np.sqrt(len(finite)) * 1.5, 5, 40))
    steep = finite.min() > 0 and finite.max() > _STEEP * np.median(finite)
    scale = np.geomspace if steep else np.linspace
    edges = scale(finite.min(), finite.max(), bins + 1)
    figure, axes = _chart(520, 200)
    axes.hist(finite, edges.tolist(), color=_BARS, edgecolor="white", lw=0.5)
    axes.set_xlabel(label, parse_math=False)
    axes.set(ylabel="Objects", xscale="log" if steep else "linear")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return _svg(figure, f"Histogram of {label}")


def _chart(width: int, height: int) -> tuple[Figure, Axes]:
    """Return an empty chart of a size in px on the page."""
    from matplotlib.figure import Figure

    figure = Figure((width * _PX, height * _PX), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#ddd")
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, label: str) -> Markup:
    """Return a chart as an SVG element with a label for screen readers."""
    from markupsafe import Markup, escape
    from matplotlib import rc_context

    with rc_context(_SVG), StringIO() as file:
        figure.savefig(file, format="svg", metadata=_NO_METADATA, transparent=True)
        text = file.getvalue()
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text[text.index("<svg") :])
    start = f'<svg class="chart" role="img" aria-label="{escape(label)}"'
    return Markup(text.replace("<svg", start, 1))  # matplotlib has escaped the texts
