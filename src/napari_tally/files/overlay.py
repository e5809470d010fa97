"""A picture of what was found: outlines of the objects on the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

_DARKEST, _BRIGHTEST = 1.0, 99.8  # percentiles that become black and white
_GOLDEN = 0.6180339887498949  # steps of it around the colour wheel put successive ids far apart


def overlay(image: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Draw the outline of each object in a colour of its own on the grey image.

    Parameters
    ----------
    image : ndarray
        (Y, X), of any real dtype; stretched between two percentiles.
    labels : ndarray
        (Y, X), one id an object, 0 elsewhere.

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
            "A 2D image and labels of the same shape are needed",
            f"shapes {image.shape} and {labels.shape}",
        )
    picture = np.repeat(stretched(image)[..., None], 3, axis=2)
    edge = outlines(labels)
    picture[edge] = _colours(labels[edge])
    return picture


def stretched(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image in greys, from black to white between two of its percentiles."""
    values = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    low, high = np.percentile(values, (_DARKEST, _BRIGHTEST)) if values.size else (0, 0)
    scaled = (values - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(scaled, 0, 1) * 255).round().astype(np.uint8)


def outlines(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels of objects beside a pixel of something else."""
    edge = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    edge &= labels != 0
    return edge


def _colours(ids: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a bright colour for each id: hue at full saturation, (N, 3)."""
    hue = (ids.astype(np.float64) * _GOLDEN) % 1.0
    wheel = np.abs((hue[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return np.asarray(np.clip(wheel, 0, 1) * 255).round().astype(np.uint8)
