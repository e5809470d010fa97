"""The mask of a COCO annotation: polygons or run lengths, rasterized.

Run lengths are compressed as by pycocotools: differences to the run before last, five bits per
character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

Mask = NDArray[np.bool_]


def mask_of(segmentation: Any, shape: tuple[int, int]) -> Mask | None:
    """Rasterize a segmentation; None if it has no outline.

    Polygons are lists of rings `[x, y, x, y, ...]`; some tools write one ring without its list, or
    points as pairs.

    Raises
    ------
    InputError
        If it is neither polygons nor run lengths, or does not fit the image.
    """
    if segmentation in (None, [], {}, ""):
        return None
    if isinstance(segmentation, dict):
        return _from_dict(segmentation, shape)
    if not isinstance(segmentation, list):
        raise InputError(
            f"the segmentation is a {type(segmentation).__name__}, not polygons or run lengths"
        )
    rings = [ring for ring in map(_points, _rings(segmentation)) if len(ring) > 2]
    return _filled(rings, shape) if rings else None


def _rings(segmentation: list[Any]) -> list[Any]:
    """Return the rings of polygons, in whatever list they are."""
    if all(isinstance(v, list) for v in segmentation):
        numbers = [len(v) for v in segmentation if not any(isinstance(n, list) for n in v)]
        return [segmentation] if len(numbers) > 2 and set(numbers) == {2} else segmentation
    return [segmentation]


def _points(ring: list[Any]) -> NDArray[np.float64]:
    """Return the corners of a ring, shape (n, 2) with x, y."""
    try:
        numbers = np.asarray(ring, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("a polygon has values that are no numbers") from error
    if not np.isfinite(numbers).all():
        raise InputError("a polygon has values that are not finite")
    if numbers.size % 2 or (numbers.ndim > 1 and numbers.shape[-1] != 2):
        raise InputError(f"a polygon has {numbers.size} numbers, which are no pairs of x and y")
    return numbers.reshape(-1, 2)


def _filled(rings: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> Mask:
    from skimage.draw import polygon

    mask = np.zeros(shape, bool)
    for ring in rings:
        x, y = ring.T - 0.5  # in pixels, and the centre of the first pixel is at 0.5
        mask[polygon(y, x, shape)] = True
    return mask


def _from_dict(segmentation: dict[str, Any], shape: tuple[int, int]) -> Mask:
    size, counts = segmentation.get("size", list(shape)), segmentation.get("counts")
    if not isinstance(size, list | tuple) or tuple(size) != shape:
        raise InputError(f"the run lengths are of the size {size}, but the image is {list(shape)}")
    if isinstance(counts, str):
        counts = decompressed(counts)
    if not isinstance(counts, list) or not all(isinstance(n, int) for n in counts):
        raise InputError("the run lengths are neither whole numbers nor compressed text")
    return from_runs(counts, shape)


def from_runs(runs: Sequence[int], size: tuple[int, ...]) -> Mask:
    """Return the mask of alternating runs of 0 and 1 down the columns, the first one of 0.

    Raises
    ------
    InputError
        If they do not cover the image.
    """
    if sum(runs) != int(np.prod(size)) or min(runs, default=0) < 0:
        raise InputError(f"run lengths cover {sum(runs)} pixels of an image of shape {size}")
    values = np.arange(len(runs)) % 2 == 1
    mask: Mask = np.repeat(values, runs).reshape(size, order="F")
    return mask


def decompressed(text: str | bytes) -> list[int]:
    """Return the run lengths of a compressed text.

    Raises
    ------
    InputError
        If it is none.
    """
    codes = [c - 48 for c in (text.encode() if isinstance(text, str) else text)]
    if not all(0 <= code < 64 for code in codes) or (codes and codes[-1] & 32):
        raise InputError("the compressed run lengths are damaged")
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
