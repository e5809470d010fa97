"""AP over the IoU threshold, as a drawing that a page can hold: SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_WIDTH, _HEIGHT = 560, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 12, 44
_LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # of Okabe & Ito
_DASHES = ("", "7 4", "2 3", "9 3 2 3")  # for print in greys
_MARKS = 5  # of each axis


def ap_curve(named: Sequence[tuple[str, pd.DataFrame]]) -> str:
    """Draw the mean AP over images at each threshold, a line for each table of thresholds."""
    low, high = (f(f(t["iou"]) for _, t in named) for f in (min, max))
    wide = _WIDTH - _LEFT - _RIGHT

    def x(iou: float) -> float:
        return _LEFT + wide * ((iou - low) / (high - low) if high > low else 0.5)

    marks = sorted({v for _, t in named for v in t["iou"]})
    parts = [_axes([(x(v), v) for v in marks[:: max(1, len(marks) // _MARKS)]])]
    for i, (name, table) in enumerate(named):
        colour, dash = _LINES[i % len(_LINES)], _DASHES[i % len(_DASHES)]
        places = [(x(u), _y(v)) for u, v in zip(table["iou"], table["ap_mean"], strict=True)]
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in sorted(places))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"'
            f' stroke-dasharray="{dash}"/>'
        )
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in places]
        if len(named) > 1:
            parts.append(_named(name, i, colour, dash))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img"'
        f' aria-label="AP over IoU threshold">{"".join(parts)}</svg>'
    )


def _y(ap: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - ap)


def _axes(marks: Sequence[tuple[float, float]]) -> str:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [
        f'<line x1="{_LEFT}" y1="{_y(v):.1f}" x2="{right}" y2="{_y(v):.1f}" class="grid"/>'
        f'<text x="{_LEFT - 8}" y="{_y(v) + 4:.1f}" text-anchor="end">{v:.1f}</text>'
        for v in (i / _MARKS for i in range(_MARKS + 1))
    ]
    parts += [
        f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{v:.2f}</text>' for x, v in marks
    ]
    middle = (_LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">IoU threshold</text>')
    parts.append(
        f'<text transform="translate(14 {(_TOP + bottom) / 2}) rotate(-90)"'
        ' text-anchor="middle">AP, mean over images</text>'
    )
    return "".join(parts)


def _named(name: str, place: int, colour: str, dash: str) -> str:
    y = _HEIGHT - _BOTTOM - 14 - 18 * place
    return (
        f'<line x1="{_LEFT + 12}" y1="{y}" x2="{_LEFT + 48}" y2="{y}" stroke="{colour}"'
        f' stroke-width="2.5" stroke-dasharray="{dash}"/>'
        f'<text x="{_LEFT + 56}" y="{y + 4}">{escape(name)}</text>'
    )
