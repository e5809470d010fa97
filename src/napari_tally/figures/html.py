"""The parts of a page that stands alone: pictures inside it, no network, legible in print."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 14px/1.45 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .5rem; border-bottom: 1px solid #999;
  break-after: avoid; }
.lead { font-size: 1.15rem; margin: .2rem 0 1rem; }
.note { color: #444; font-size: .85rem; }
.row { display: flex; gap: 1rem; align-items: flex-start; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: .85rem; color: #333; }
svg { max-width: 100%; height: auto; display: block; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ccc; }
th { vertical-align: bottom; border-bottom: 1px solid #555; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
.words { break-inside: avoid; }
.words th, .words td { text-align: left; overflow-wrap: anywhere; }
.words th { border-bottom: 1px solid #ccc; font-weight: 600; white-space: nowrap; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@page { margin: 15mm; }
</style>
</head>
<body>
$body
</body>
</html>
""")
_STEEP = 30  # times the median
_WIDTH, _HEIGHT, _FOOT = 520, 170, 34  # of a histogram, px


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole page; the parts are HTML, the title is text."""
    body = f"<h1>{escape(title)}</h1>\n" + "\n".join(part for part in parts if part)
    return _PAGE.substitute(title=escape(title), body=body)


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of a kind that the page knows: "lead" or "note"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return a heading."""
    return f"<h2>{escape(text)}</h2>"


def side_by_side(parts: Iterable[str]) -> str:
    """Return parts beside each other, made smaller where there is no room."""
    return '<div class="row">' + "\n".join(parts) + "</div>"


def words(rows: Mapping[str, str]) -> str:
    """Return names with what there is to say of each, as a table of two columns."""
    lines = (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows.items()
    )
    return '<table class="words"><tbody>' + "\n".join(lines) + "</tbody></table>"


def numbers(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a header that is repeated on each printed page."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def short(value: float) -> str:
    """Write a number with four digits, or with all before the point."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def picture(
    pixels: NDArray[np.uint8], caption: str, marks: Iterable[tuple[float, float, str]] = ()
) -> str:
    """Return a picture (Y, X, 3) with short texts at places (x, y) on it."""
    from imagecodecs import png_encode

    height, width = pixels.shape[:2]
    data = base64.b64encode(png_encode(np.ascontiguousarray(pixels))).decode()
    texts = "".join(f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' for x, y, text in marks)
    return (
        f'<figure><svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(caption)}">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/>'
        '<g font-size="12" font-weight="600" text-anchor="middle" dominant-baseline="central" '
        'fill="#fff" stroke="#000" stroke-width="3" paint-order="stroke">'
        f"{texts}</g></svg><figcaption>{escape(caption)}</figcaption></figure>"
    )


def histogram(values: NDArray[Any], label: str) -> str:
    """Return the distribution of finite values as bars, with its ends and its largest count.

    The axis is logarithmic where a few values are much larger than all others.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ""
    bins = int(np.clip(np.sqrt(len(finite)) * 1.5, 5, 40))
    steep = finite.min() > 0 and finite.max() > _STEEP * np.median(finite)
    edges = np.geomspace(finite.min(), finite.max(), bins + 1) if steep else bins
    counts, edges = np.histogram(finite, edges)
    label += ", logarithmic" if steep else ""
    room, step = _HEIGHT - _FOOT - 14, _WIDTH / bins
    tall = counts / counts.max() * room
    bars = "".join(
        f'<rect x="{i * step + 0.5:.1f}" y="{_HEIGHT - _FOOT - h:.1f}" '
        f'width="{step - 1:.1f}" height="{h:.1f}"/>'
        for i, h in enumerate(tall)
    )
    ends = short(finite.min()), short(finite.max())
    floor, foot = _HEIGHT - _FOOT, _HEIGHT - _FOOT + 15
    return (
        f'<figure><svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{escape(label)}" font-size="12">'
        f'<g fill="#3b6ea5">{bars}</g>'
        f'<line x1="0" y1="{floor}" x2="{_WIDTH}" y2="{floor}" stroke="#111"/>'
        f'<text x="0" y="{foot}">{ends[0]}</text>'
        f'<text x="{_WIDTH}" y="{foot}" text-anchor="end">{ends[1]}</text>'
        f'<text x="{_WIDTH / 2}" y="{foot + 14}" text-anchor="middle">{escape(label)}</text>'
        f'<text x="0" y="10">up to {counts.max():,} objects a bar</text></svg></figure>'
    )
