"""Overlay: outlines of objects on the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

_DARKEST, _BRIGHTEST = 1.0, 99.8  # percentiles that become black and white
_LUMA = np.array([0.299, 0.587, 0.114])  # how light red, green and blue are
_LEAST_LIGHT = 130  # of a colour in print
_GOLDEN = 0.6180339887498949  # steps of it around the colour wheel put successive ids far apart


def overlay(image: NDArray[Any], labels: NDArray[Any], *, cased: bool = False) -> NDArray[np.uint8]:
    """Draw the outline of each object in a colour of its own on the grey image.

    Parameters
    ----------
    image : ndarray
        (Y, X), of any real dtype; stretched between two percentiles.
    labels : ndarray
        (Y, X), one id an object, 0 elsewhere.
    cased : bool
        Whether outlines are lighter and have a dark casing, to stand out from black and white, in
        print too.

    Returns
    -------
    ndarray
        (Y, X, 3), uint8.

    Raises
    ------
    InputError
        If they are not two images of one shape.
    """
    if image.ndim != 2 or image.shape != labels.shape:
        raise InputError(
            f"Image of shape {image.shape} and labels of shape {labels.shape} must be 2D and match"
        )
    picture = np.repeat(stretched(image)[..., None], 3, axis=2)
    edge = outlines(labels)
    colours = _colours(labels[edge])
    if cased:
        colours = _lighter(colours)
        picture[_grown(edge) & ~edge] //= 3
    picture[edge] = colours
    return picture


def stretched(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image in greys, from black to white between two of its percentiles."""
    values = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    low, high = np.percentile(values, (_DARKEST, _BRIGHTEST)) if values.size else (0, 0)
    scaled = (values - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(scaled, 0, 1) * 255).round().astype(np.uint8)


def outlines(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the inner boundary pixels of objects.

    As skimage's `find_boundaries(labels, connectivity=1, mode="inner")`, which takes 13 times as
    long (benchmarks/own_or_library.py).
    """
    edge = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    edge &= labels != 0
    return edge


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask with the neighbours of its pixels over edges."""
    found = mask.copy()
    for axis in (0, 1):
        there, back = (np.moveaxis(a, axis, 0) for a in (found, mask))
        there[1:] |= back[:-1]
        there[:-1] |= back[1:]
    return found


def _lighter(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mix white into colours that would be dark in grey."""
    values = colours.astype(np.float64)
    light = values @ _LUMA
    share = np.clip((_LEAST_LIGHT - light) / (255 - light), 0, 1)[:, None]
    return np.asarray(values + share * (255 - values)).round().astype(np.uint8)


def _colours(ids: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a bright colour for each id: hue at full saturation, (N, 3)."""
    hue = (ids.astype(np.float64) * _GOLDEN) % 1.0
    wheel = np.abs((hue[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return np.asarray(np.clip(wheel, 0, 1) * 255).round().astype(np.uint8)
