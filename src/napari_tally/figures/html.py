"""Pages that stand alone: no other file, no network, everything escaped, legible in print."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

_MISSING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """The names of columns, and rows of text or numbers below them."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """Return a data frame with the names of its columns."""
        return cls([str(name) for name in frame], frame.to_numpy(object).tolist())


def render(template: str, **values: Any) -> str:
    """Return a page made from a template of this package; values are escaped.

    Parameters
    ----------
    template : str
        Its name without `.html`.
    """
    return _environment().get_template(f"{template}.html").render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("napari_tally.figures"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"cell": cell, "png": png_address}
    return found


def cell(value: Any) -> str:
    """Write a value of a table: four digits or all before the point, yes or no, a dash for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _MISSING
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def identity(value: Any) -> str:
    """Write an id, of which tables with gaps have made a float."""
    return _MISSING if value is None or value != value else str(int(value))


def png_address(pixels: NDArray[np.uint8]) -> str:
    """Return a picture, (Y, X, 3), as an address that holds it."""
    from imagecodecs import png_encode

    data = base64.b64encode(png_encode(np.ascontiguousarray(pixels))).decode()
    return f"data:image/png;base64,{data}"
