"""Windows as MONAI's sliding-window inferers lay them: of one size, the last one shifted back."""

from __future__ import annotations

from itertools import product
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.errors import InputError
from ..core.options import Options

Slices = tuple[slice, ...]
_LEAST = 1e-3  # smallest weight of MONAI's importance map


class Sliding(Options):
    """Sliding windows of one size, which overlap by a share; outputs are averaged, then activated.

    Attributes
    ----------
    roi : tuple of int
        Window along each axis (Z, Y, X), px; 0 for the length of the image.
    overlap : tuple of float
        Share of a window that the next one covers, along each axis.
    blend : str
        Weights where windows overlap: all alike, or a Gaussian.
    sigma : float
        Of the Gaussian, in lengths of the window.
    padding : str
        How images smaller than a window are padded, and `rim`: numpy's modes of padding.
    rim : int
        Px on each side of a window for which the network has no output.
    even : bool
        Whether windows are evenly spaced, as nnU-Net's, not the last one shifted back.
    """

    roi: tuple[int, ...] = Field(min_length=2, max_length=3)
    overlap: tuple[float, ...] = (0.25,)
    blend: Literal["constant", "gaussian"] = "constant"
    sigma: float = Field(0.125, gt=0)
    padding: Literal["constant", "reflect", "edge", "wrap"] = "constant"
    rim: int = Field(0, ge=0)
    even: bool = Field(False, exclude_if=lambda even: not even)

    @model_validator(mode="after")
    def _fits(self) -> Sliding:
        if not all(0 <= share < 1 for share in self.overlap):
            raise ValueError(f"the overlap must be at least 0 and below 1, not {self.overlap}")
        if len(self.overlap) not in (1, len(self.roi)):
            raise ValueError(f"{len(self.overlap)} overlaps for {len(self.roi)} axes")
        if any(n and n <= 2 * self.rim for n in self.roi):
            raise ValueError(f"the rim of {self.rim} px leaves nothing of windows of {self.roi} px")
        return self

    def layout(
        self, shape: tuple[int, ...]
    ) -> tuple[tuple[tuple[int, int], ...], list[Slices], NDArray[np.float32]]:
        """Return the padding of an image of `shape`, its windows, and the weights of one."""
        if len(shape) != len(self.roi):
            raise InputError(f"Windows of {self.roi} px do not fit images with {len(shape)} axes")
        overlap = self.overlap * (len(shape) if len(self.overlap) == 1 else 1)
        axes = [self._axis(*each) for each in zip(shape, self.roi, overlap, strict=True)]
        starts = [axis[2] for axis in axes]
        tiles = tuple(axis[1] for axis in axes)
        slices = [
            tuple(slice(s, s + t) for s, t in zip(corner, tiles, strict=True))
            for corner in product(*starts)
        ]
        return tuple(axis[0] for axis in axes), slices, self._weight(tiles)

    def _axis(self, size: int, roi: int, overlap: float) -> tuple[tuple[int, int], int, list[int]]:
        """Return the padding, window and origins along one axis."""
        rimmed = size + 2 * self.rim
        tile = roi or rimmed
        missing = max(0, tile - rimmed)
        padding = (self.rim + missing // 2, self.rim + missing - missing // 2)
        padded = rimmed + missing
        step = tile if tile == padded else max(1, int(tile * (1 - overlap)))
        count = ceil((padded - tile) / step) + 1
        if self.even and count > 1:
            between = (padded - tile) / (count - 1)
            return padding, tile, [round(i * between) for i in range(count)]
        return padding, tile, [min(i * step, padded - tile) for i in range(count)]

    def _weight(self, tiles: tuple[int, ...]) -> NDArray[np.float32]:
        weight = np.ones((), np.float32)
        for size in tiles:
            along = np.ones(size, np.float32)
            if self.blend == "gaussian":
                at = np.arange(size, dtype=np.float32) - (size - 1) / 2
                along = np.exp(-(at**2) / (2 * (size * self.sigma) ** 2)).astype(np.float32)
            weight = np.multiply.outer(weight, along).astype(np.float32)
        weight = np.maximum(weight, max(float(weight.min()), _LEAST))
        if self.rim:
            inner = (slice(self.rim, -self.rim),) * len(tiles)
            inside = np.zeros_like(weight)
            inside[inner] = weight[inner]
            weight = inside
        return weight
