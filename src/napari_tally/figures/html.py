"""Self-contained HTML pages: no other files, no network, all values escaped, printable."""

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
    """Column names, and rows of text or numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """Return the table of a data frame."""
        return cls([str(name) for name in frame], frame.to_numpy(object).tolist())


def render(template: str, **values: Any) -> str:
    """Render a template of this package; values are escaped.

    Parameters
    ----------
    template : str
        Name of the template, without `.html`.
    """
    return _environment().get_template(f"{template}.html").render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("napari_tally.figures"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "png": png_address}
    return environment


def cell(value: Any) -> str:
    """Format a table value: at least four digits, yes or no, or a dash for a missing value."""
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
    """Format an id, which is a float in tables with missing values."""
    return _MISSING if value is None or value != value else str(int(value))


def png_address(pixels: NDArray[np.uint8]) -> str:
    """Return a picture, (Y, X, 3), as a data URL."""
    from imagecodecs import png_encode

    data = base64.b64encode(png_encode(np.ascontiguousarray(pixels))).decode()
    return f"data:image/png;base64,{data}"
