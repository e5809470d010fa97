"""Pieces of a page of HTML that needs no other file."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em;
  color: #222; background: #fff }
table { border-collapse: collapse; margin: .5em 0; font-variant-numeric: tabular-nums }
th, td { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left }
.wide { overflow-x: auto }
.pair { display: flex; gap: 10px; flex-wrap: wrap }
figure { margin: 0; flex: 1 1 380px } img { width: 100%; image-rendering: pixelated }
.key { display: inline-block; margin-right: 1.2em } .key i { display: inline-block; width: .9em;
  height: .9em; margin-right: .4em; border: 1px solid #222; vertical-align: -.1em }
.problem { border-left: 4px solid #D55E00; padding-left: .8em }
svg text { font-size: 13px; fill: #222 } svg .grid { stroke: #ddd }
"""


def document(title: str, parts: Sequence[str]) -> str:
    """Return a whole page."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def picture(pixels: NDArray[np.uint8], words: str) -> str:
    """Return a picture, (Y, X, 3), with words below it."""
    from imageio.v3 import imwrite

    data = imwrite("<bytes>", pixels, extension=".png", plugin="pillow")
    source = "data:image/png;base64," + base64.b64encode(data).decode()
    return (
        f'<figure><img alt="{escape(words)}" src="{source}">'
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def frame(numbers: pd.DataFrame) -> str:
    """Return a table with the names of its columns."""
    return table(list(map(str, numbers.columns)), numbers.to_numpy(object).tolist())


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows below a head; what is not a number is a dash."""
    first = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(v)}</td>' for v in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{first}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) >= 10
        return "–" if math.isnan(value) else f"{value:,.0f}" if whole else f"{value:.4g}"
    return escape(f"{value:,}" if isinstance(value, int) else str(value))
