"""A picture of objects: the image in grey with an outline around each object."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

_GOLDEN = 0.618033988749895  # steps of the hue by which neighbouring ids differ most


def overlay(image: NDArray[np.generic], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return an RGB picture, shape (Y, X, 3), of an image and its labels, both (Y, X)."""
    values = np.nan_to_num(image.astype(np.float64), posinf=0, neginf=0)
    low, high = np.percentile(values, (1, 99.8))
    grey = np.clip((values - low) / ((high - low) or 1), 0, 1)
    picture = np.repeat((200 * grey).astype(np.uint8)[..., None], 3, axis=2)
    edge = find_boundaries(labels, connectivity=1, mode="inner")
    picture[edge] = _colours(int(labels.max(initial=0)))[labels[edge]]
    return picture


def _colours(count: int) -> NDArray[np.uint8]:
    hues = (np.arange(count + 1) * _GOLDEN) % 1
    return np.array([[255 * c for c in colorsys.hsv_to_rgb(h, 0.8, 1)] for h in hues], np.uint8)
