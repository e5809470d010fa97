"""Regions of stuff: class maps of a network's output, on the grid of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...mask_sets.frame import Frame

_ROWS = 64  # of the image that are interpolated at a time


def stuff_on_image(maps: NDArray[np.float32], frame: Frame, offset: int) -> NDArray[np.uint16]:
    """Return the class of each pixel of an image; 0 is the background.

    Probabilities, not classes, are interpolated.

    Parameters
    ----------
    maps : ndarray, shape (C, h, w)
        On a grid that covers the input of the network, the background first.
    offset : int
        Added to the ids, which are those of the maps after those of the objects.
    """
    height, width = frame.shape
    columns, across = _between(frame.cells(0, width, 1, maps.shape[2]), maps.shape[2])
    found = np.empty(frame.shape, np.uint16)
    for start in range(0, height, _ROWS):
        stop = min(start + _ROWS, height)
        rows, down = _between(frame.cells(start, stop, 0, maps.shape[1]), maps.shape[1])
        near = maps[:, rows] * (1 - down[:, None]) + maps[:, rows + 1 - (down == 0)] * down[:, None]
        near = near[:, :, columns] * (1 - across) + near[:, :, columns + 1 - (across == 0)] * across
        found[start:stop] = near.argmax(axis=0)
    return np.where(found > 0, found + np.uint16(offset), 0).astype(np.uint16)


def _between(
    places: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the cell below each place, and the share of the next one."""
    inside = np.clip(places, 0, count - 1)
    low = inside.astype(np.int64)
    return low, (inside - low).astype(np.float32)
