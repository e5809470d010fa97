"""Curves of a training as an SVG, by hand: a chart of the loss and one of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

_WIDTH, _HEIGHT, _MARGIN, _GAP = 480, 200, 48, 36
_COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e")
_POINTS = 400  # of a curve, at most: more cannot be seen

Curve = tuple[Sequence[float], Sequence[float]]


def curves_svg(charts: Mapping[str, Mapping[str, Curve]]) -> str:
    """Draw charts below each other.

    Parameters
    ----------
    charts : dict of str to dict of str to (x, y)
        The curves of each chart by their names; a chart without points is left out.
    """
    parts, top = [], 0
    for title, curves in charts.items():
        if any(len(x) for x, _ in curves.values()):
            parts += _chart(title, curves, top)
            top += _HEIGHT + _GAP
    size = f'width="{_WIDTH}" height="{max(1, top)}"'
    style = 'font-family="sans-serif" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"])


def _chart(title: str, curves: Mapping[str, Curve], top: int) -> list[str]:
    xs, ys = (np.concatenate([np.asarray(c[i], float) for c in curves.values()]) for i in (0, 1))
    left, right, low, high = 0.0, float(xs.max()) or 1.0, min(0.0, ys.min()), float(ys.max()) or 1.0
    x0, y0, wide, tall = _MARGIN, top + 20, _WIDTH - 2 * _MARGIN, _HEIGHT - 40

    def place(x: ArrayLike, y: ArrayLike) -> str:
        across = x0 + (np.asarray(x) - left) / (right - left) * wide
        down = y0 + tall - (np.asarray(y) - low) / (high - low or 1) * tall
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))

    parts = [
        f'<text x="{x0}" y="{top + 14}" font-weight="bold">{_escaped(title)}</text>',
        (
            f'<polyline fill="none" stroke="#888" points="{x0},{y0} {x0},{y0 + tall} '
            f'{x0 + wide},{y0 + tall}"/>'
        ),
        f'<text x="{x0 - 4}" y="{y0 + 8}" text-anchor="end">{high:.3g}</text>',
        f'<text x="{x0 - 4}" y="{y0 + tall}" text-anchor="end">{low:.3g}</text>',
        f'<text x="{x0 + wide}" y="{y0 + tall + 14}" text-anchor="end">step {right:g}</text>',
    ]
    for number, (name, (x, y)) in enumerate(curves.items()):
        colour, step = _COLOURS[number % len(_COLOURS)], max(1, len(x) // _POINTS)
        line = place(x[::step], y[::step])
        parts.append(f'<polyline fill="none" stroke="{colour}" points="{line}"/>')
        across = x0 + 60 + 90 * number
        text = f'<text x="{across}" y="{top + 14}" fill="{colour}">{_escaped(name)}</text>'
        parts.append(text)
    return parts


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
