"""Colormaps of labels by a column of their table, with unselected objects dimmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from napari.utils.colormaps import DirectLabelColormap

GREY = (0.5, 0.5, 0.5, 1.0)
_DIM = 0.12  # opacity of what is not picked
_ENDS = (1, 99)  # percentiles between which colours change: one outlier would make all others alike


def limits_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the limits of the colour range, equal if there is only one value."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 0.0
    low, high = np.percentile(finite, _ENDS)
    return float(low), float(high)


def column_colors(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return a colour for each value, shape (n, 4): grey where there is none."""
    from napari.utils.colormaps import ensure_colormap

    low, high = limits_of(values)
    place = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    colors = np.asarray(ensure_colormap(name).map(np.nan_to_num(place)), np.float64)
    colors[~np.isfinite(values)] = GREY
    return colors


def label_colormap(
    ids: NDArray[np.integer], colors: NDArray[np.float64], picked: NDArray[np.bool_]
) -> DirectLabelColormap:
    """Return a colormap with one colour per id; objects that are not picked are dimmed.

    Parameters
    ----------
    ids : ndarray of int, shape (n,)
    colors : ndarray, shape (n, 4)
    picked : ndarray of bool, shape (n,)
    """
    from napari.utils.colormaps import DirectLabelColormap

    shown = np.array(colors, np.float32)
    shown[~picked, 3] *= _DIM
    clear: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    return DirectLabelColormap(color_dict=clear | dict(zip(ids.tolist(), shown, strict=True)))


def column_values(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as numbers; text is numbered in alphabetical order."""
    values = table[column]
    if values.dtype.kind in "biuf" or str(values.dtype) in ("Int64", "boolean"):
        return np.asarray(values.to_numpy(np.float64, na_value=np.nan))
    codes = values.astype("category").cat.codes.to_numpy(np.float64)
    return np.where(codes < 0, np.nan, codes)


def title_of(column: str) -> str:
    """Return a column's name in words: "volume_um3" is "volume (µm³)"."""
    for unit in ("um", "mm", "px", "deg"):
        for suffix, sign in (("3", "³"), ("2", "²"), ("", "")):
            end = f"_{unit}{suffix}"
            if end + "_" in column or column.endswith(end):
                before, _, channel = column.partition(end)
                words = (before + channel).replace("_", " ")
                shown = {"um": "µm", "deg": "°"}.get(unit, unit) + sign
                per = " per" if words.endswith(" per") else ""
                return f"{words.removesuffix(' per')} ({per.strip()}{' ' if per else ''}{shown})"
    return column.replace("_", " ")
