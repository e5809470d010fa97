"""Training curves as a picture: a chart of the loss and one of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_WIDTH, _HEIGHT, _DPI = 6.4, 2.6, 120  # inches of a chart

Curve = tuple[Sequence[float], Sequence[float]]


def write_curves(charts: Mapping[str, Mapping[str, Curve]], path: Path) -> None:
    """Draw charts below each other in a PNG file.

    Parameters
    ----------
    charts : dict of str to dict of str to (x, y)
        The curves of each chart by their names; a chart without points is left out.
    """
    from matplotlib.figure import Figure

    drawn = {name: c for name, c in charts.items() if any(len(x) for x, _ in c.values())}
    figure = Figure((_WIDTH, _HEIGHT * max(1, len(drawn))), dpi=_DPI, layout="constrained")
    for number, (title, curves) in enumerate(drawn.items(), start=1):
        axes = figure.add_subplot(len(drawn), 1, number, title=title, xlabel="step")
        for name, (x, y) in curves.items():
            axes.plot(x, y, label=name, marker="o" if len(x) == 1 else None)
        axes.grid(alpha=0.3)
        if any(curves):
            axes.legend(frameon=False)
    figure.savefig(path, format="png")
