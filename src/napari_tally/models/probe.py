"""What a few of the pixels of an image show of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .bundle import SHIPPED_DEFAULT_3D, default_model

if TYPE_CHECKING:
    from ..core.volume import Volume
    from .preprocessing import Preprocessing

_WINDOW, _SIDE = 4096, 1024  # px: what is read of a plane, and how much of it is kept
_ROOM = 1.1  # of an extent
_PADDING, _AIR, _BONE, _METAL = -4_000.0, -500.0, 300.0, 4_000.0  # HU
# Of values stored plus 1000: at least 0.69 of the body is soft tissue in 50 CT of the head and
# neck; at most 0.61, with less air, or 0.1 in 11 MR that end like those.
_THIN_AIR, _SOFT, _SHARE = -900.0, 200.0, 0.5  # HU, HU, share of the body


@dataclass(frozen=True)
class Probe:
    """An image, of which pixels are read once, and only if they are asked for."""

    volume: Volume

    @property
    def has_intensities(self) -> bool:
        """Whether it is an image of intensities, not a mask or empty."""
        return np.dtype(self.volume.array.dtype).kind in "uif" and 0 not in self.volume.shape

    @property
    def is_stack(self) -> bool:
        """Whether a 3D model is the default."""
        return default_model(self.volume) == SHIPPED_DEFAULT_3D

    @cached_property
    def sample(self) -> NDArray[np.generic]:
        """Pixels of the middle of the middle plane, shape (C, Y, X)."""
        sizes = dict(zip(self.volume.axes, self.volume.shape, strict=True))
        step = ceil(min(max(sizes["Y"], sizes["X"]), _WINDOW) / _SIDE)
        index: list[int | slice] = []
        for axis, size in sizes.items():
            start = max(0, (size - _WINDOW) // 2)
            within = slice(start, start + _WINDOW, step)
            index.append(within if axis in "YX" else slice(None) if axis == "C" else size // 2)
        plane = np.asarray(self.volume.array[tuple(index)])
        left = [axis for axis in self.volume.axes if axis in "CYX"]
        return np.moveaxis(plane, left.index("C"), 0) if "C" in left else plane[None]

    @property
    def background(self) -> float:
        """Where the median of the sample lies on its range of intensities, from 0 to 1."""
        values = self.sample.astype(np.float64).mean(0)
        values = values[np.isfinite(values)]
        if not values.size:
            return 0.0
        low, median, high = np.percentile(values, (1, 50, 99.8))
        return float((median - low) / (high - low)) if high > low else 0.0

    @cached_property
    def is_ct(self) -> bool:
        """Whether values are Hounsfield units, or such plus 1000: from much air to bone."""
        if len(self.sample) > 1 or self.sample.dtype.itemsize == 1:
            return False
        values = self.sample[np.isfinite(self.sample)].astype(np.float64)
        if not values.size:
            return False
        low, high = np.percentile(values, (5, 99.9))
        if low >= _AIR:
            return _is_shifted_ct(values - 1_000)
        return bool(low >= _PADDING and _BONE < high < _METAL)

    def within(self, preprocessing: Preprocessing) -> bool:
        """Return whether the image is no larger than those of the training, as far as they say."""
        extent = preprocessing.extent
        if extent is None or len(extent) != len(self.volume.spatial_shape):
            return False
        spacing = self.volume.spacing_in(preprocessing.spacing_unit)
        lengths = np.multiply(self.volume.spatial_shape, spacing)
        return bool((lengths <= np.multiply(extent, _ROOM)).all())


def _is_shifted_ct(values: NDArray[np.float64]) -> bool:
    """Return whether values that begin at air are CT, not MR of 12 bits: mostly soft tissue."""
    low, high = np.percentile(values, (5, 99.9))
    body = values[values > _AIR]
    if not (_PADDING <= low < _THIN_AIR and _BONE < high < _METAL and body.size):
        return False
    return bool(np.mean(np.abs(body) < _SOFT) > _SHARE)
