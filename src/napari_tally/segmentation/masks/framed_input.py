"""Bring a part of an image into the input of a network: normalize, resize, pad."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...geometry.resample import resampled_part

if TYPE_CHECKING:
    from ...mask_sets.frame import Frame

_ROWS = 64  # of the input that are resized at a time, to save memory in large images


def framed_input(
    image: NDArray[np.generic],
    frame: Frame,
    normalize: Callable[[NDArray[np.generic]], NDArray[np.float32]],
    border: tuple[float, ...],
    *,
    antialias: bool = True,
) -> NDArray[np.float32]:
    """Return the input of a network, shape (C, *frame.input_shape).

    Parameters
    ----------
    image : ndarray, shape (C, *frame.shape)
    normalize : callable
        Normalizes a part of it.
    border : tuple of float
        The value of each channel around the image.
    antialias : bool
        See `FrameOptions`.
    """
    height, width = (round(n * s) for n, s in zip(frame.shape, frame.scale, strict=True))
    out = np.empty((len(image), *frame.input_shape), np.float32)
    out[...] = np.reshape(np.array(border, np.float32), (-1, 1, 1))
    top, left = (int(n) for n in frame.pad)
    inner = out[:, top : top + height, left : left + width]
    if (height, width) == frame.shape:
        inner[...] = normalize(image)
        return out
    for start in range(0, height, _ROWS):
        part = slice(start, min(start + _ROWS, height)), slice(0, width)
        inner[:, part[0]] = resampled_part(
            image, (height, width), part, normalize, antialias=antialias
        )
    return out
