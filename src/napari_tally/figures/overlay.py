"""Draw outlines of objects on an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

_DARKEST, _BRIGHTEST = 1.0, 99.8  # percentiles that become black and white
_LUMA = np.array([0.299, 0.587, 0.114])  # luminance of red, green and blue
_MIN_LUMA = 130  # of a colour in print
_GOLDEN = 0.6180339887498949  # steps of this hue keep successive ids distinct


def overlay(image: NDArray[Any], labels: NDArray[Any], *, cased: bool = False) -> NDArray[np.uint8]:
    """Draw the outline of each object in its own colour on a grey image.

    Parameters
    ----------
    image : ndarray
        (Y, X), of any real dtype; stretched between two percentiles.
    labels : ndarray
        (Y, X), one id per object, 0 elsewhere.
    cased : bool
        Draw light outlines with a dark casing, which stand out from black and white and in print.

    Returns
    -------
    ndarray
        (Y, X, 3), uint8.

    Raises
    ------
    InputError
        If they are not 2D or differ in shape.
    """
    if image.ndim != 2 or image.shape != labels.shape:
        raise InputError(
            f"Image and labels must be 2D and match, not have shapes {image.shape}, {labels.shape}"
        )
    picture = np.repeat(stretched(image)[..., None], 3, axis=2)
    edge = outlines(labels)
    colours = _colours(labels[edge])
    if cased:
        colours = _lighter(colours)
        picture[_dilated(edge) & ~edge] //= 3
    picture[edge] = colours
    return picture


def stretched(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Stretch the contrast of an image from black to white between two percentiles."""
    values = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    low, high = np.percentile(values, (_DARKEST, _BRIGHTEST)) if values.size else (0, 0)
    scaled = (values - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(scaled, 0, 1) * 255).round().astype(np.uint8)


def outlines(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the inner boundary pixels of objects.

    Equals `skimage.segmentation.find_boundaries(labels, connectivity=1, mode="inner")`, which takes
    13 times as long (benchmarks/own_or_library.py).
    """
    edge = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    edge &= labels != 0
    return edge


def _dilated(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Dilate a mask by one pixel (4-connected)."""
    dilated = mask.copy()
    for axis in (0, 1):
        there, back = (np.moveaxis(a, axis, 0) for a in (dilated, mask))
        there[1:] |= back[:-1]
        there[:-1] |= back[1:]
    return dilated


def _lighter(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mix white into dark colours."""
    values = colours.astype(np.float64)
    light = values @ _LUMA
    share = np.clip((_MIN_LUMA - light) / (255 - light), 0, 1)[:, None]
    return np.asarray(values + share * (255 - values)).round().astype(np.uint8)


def _colours(ids: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a bright colour for each id: hue at full saturation, (N, 3)."""
    hue = (ids.astype(np.float64) * _GOLDEN) % 1.0
    wheel = np.abs((hue[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return np.asarray(np.clip(wheel, 0, 1) * 255).round().astype(np.uint8)
