"""The built-in model that an image is for, as far as its axes, colours and intensities show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .bundle import (
    SHIPPED,
    SHIPPED_DEFAULT,
    SHIPPED_DEFAULT_3D,
    default_model,
    read_info,
    shipped_models,
)

if TYPE_CHECKING:
    from ..core.volume import Volume
    from .model_info import ModelInfo

_CELLS = "cells-2d"
_WINDOW, _SIDE = 4096, 1024  # px: what is read of a plane, and how much of it is kept
# Median on the range from percentile 1 to 99.8. It is at most 0.13 in 492 fluorescence images of
# nuclei, and at least 0.29 in phase contrast, bright field, histology and electron microscopy.
_DARK = 0.2
_ROOM = 1.1  # of an extent
_PADDING, _AIR, _BONE, _METAL = -4_000.0, -500.0, 300.0, 4_000.0  # HU


@dataclass(frozen=True)
class Suggestion:
    """A built-in model for an image, and why: a clause, "" for the default."""

    model: str
    reason: str = ""


def suggest(volume: Volume) -> Suggestion:
    """Return the built-in model that an image is for; the default one if nothing shows it."""
    default = default_model(volume)
    if np.dtype(volume.array.dtype).kind not in "uif" or 0 in volume.shape:
        return Suggestion(default)
    rules = _for_stacks if default == SHIPPED_DEFAULT_3D else _for_images
    return next(rules(volume), Suggestion(default))


def better_model(volume: Volume, model: str) -> str:
    """Return a note if another built-in model suits an image better than a default one, or ""."""
    if model not in (SHIPPED_DEFAULT, SHIPPED_DEFAULT_3D):
        return ""
    found = suggest(volume)
    if found.model == model or not found.reason:
        return ""
    return f"{found.model} may suit {volume.name} better than {model}: {found.reason}"


def _for_images(volume: Volume) -> Iterator[Suggestion]:
    image = _sampled(volume)
    if len(image) == 3:
        for name, info in _shipped():
            if info.color_range is not None and not info.color_range.note(image, "", ""):
                yield Suggestion(name, "its colours are those of the images that it was trained on")
    if _CELLS in shipped_models() and _background(image) > _DARK:
        yield Suggestion(_CELLS, "the background of the image is not dark")


def _for_stacks(volume: Volume) -> Iterator[Suggestion]:
    if volume.unit not in ("mm", "cm"):
        return
    lengths = np.multiply(volume.spatial_shape, volume.spacing_in("mm"))
    for name, info in _shipped():
        extent = info.preprocessing.extent
        if extent is not None and (lengths <= np.multiply(extent, _ROOM)).all():
            yield Suggestion(name, "the image is as small as those that it was trained on")
    if _is_ct(_sampled(volume)):
        for name, info in _shipped():
            if info.preprocessing.normalizer.name == "hounsfield":
                yield Suggestion(name, "the image is a CT")


def _shipped() -> Iterator[tuple[str, ModelInfo]]:
    return ((name, read_info(SHIPPED / name)) for name in shipped_models())


def _sampled(volume: Volume) -> NDArray[np.generic]:
    """Return pixels of the middle of the middle plane, shape (C, Y, X)."""
    sizes = dict(zip(volume.axes, volume.shape, strict=True))
    step = ceil(min(max(sizes["Y"], sizes["X"]), _WINDOW) / _SIDE)
    index: list[int | slice] = []
    for axis, size in sizes.items():
        start = max(0, (size - _WINDOW) // 2)
        within = slice(start, start + _WINDOW, step)
        index.append(within if axis in "YX" else slice(None) if axis == "C" else size // 2)
    plane = np.asarray(volume.array[tuple(index)])
    left = [axis for axis in volume.axes if axis in "CYX"]
    return np.moveaxis(plane, left.index("C"), 0) if "C" in left else plane[None]


def _background(image: NDArray[np.generic]) -> float:
    """Return where the median of an image lies on its range of intensities, from 0 to 1."""
    values = image.astype(np.float64).mean(0)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0
    low, median, high = np.percentile(values, (1, 50, 99.8))
    return float((median - low) / (high - low)) if high > low else 0.0


def _is_ct(image: NDArray[np.generic]) -> bool:
    """Return whether values are Hounsfield units, or such plus 1000: from much air to bone."""
    if len(image) > 1 or image.dtype.itemsize == 1:
        return False
    low, high = np.nanpercentile(image.astype(np.float64), (5, 99.9))
    offset = 0 if low < _AIR else 1_000
    return bool(_PADDING <= low - offset < _AIR and _BONE < high - offset < _METAL)
