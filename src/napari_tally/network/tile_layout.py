"""The layout of the tiles of overlap-tile inference, and the weight of each of their voxels.

Overlap-tile with mirrored borders: Ronneberger et al., 2015,
https://doi.org/10.1007/978-3-319-24574-4_28.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil, prod
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.errors import InputError
from ..core.options import Options
from .sliding_windows import Sliding

Slices = tuple[slice, ...]
_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True)
class Windows:
    """Tiles of an image that was padded by mirroring.

    Attributes
    ----------
    padding : tuple of (int, int)
        Voxels added before and after each spatial axis.
    slices : list of tuple of slice
        The windows, all of one shape, in the padded image.
    weight : ndarray
        Weight of each voxel of a window where windows overlap.
    mode : str
        How the image is padded, as numpy names it.
    """

    padding: tuple[tuple[int, int], ...]
    slices: list[Slices]
    weight: NDArray[np.float32]
    mode: Literal["symmetric", "constant", "reflect", "edge", "wrap"] = "symmetric"


class Tiling(Options):
    """Overlap-tile inference: the largest window, and how much of its rim is only context.

    Tiles are equally large and divide the image; their origins are multiples of the network's
    stride, so that the prediction of an object does not depend on its tile.
    """

    tile: int = Field(640, ge=16, description="Largest window, px, along each axis")
    halo: int = Field(64, ge=0, description="Context on each side of a window, px")
    mirror: int = Field(16, ge=0, description="Mirrored context at the image's border, px")
    exact: bool = Field(False, description="Whether every window is of `tile` px, none smaller")
    tiles: tuple[int, ...] = Field(
        (), description="Window, px, along each axis (Z, Y, X) if they differ; with `exact` only"
    )
    sliding: Sliding | None = Field(
        None,
        description="Windows as MONAI lays them, instead of all this",
        exclude_if=lambda value: value is None,
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.tiles or self.sliding) and not self.exact:
            raise ValueError("tiles of different lengths and sliding windows need `exact`")
        return self

    @property
    def sizes(self) -> str:
        """The lengths of a window in words: "512" or "16 x 512 x 512"."""
        return " x ".join(str(n) for n in self.tiles or (self.tile,))

    def largest(self, ndim: int) -> int:
        """Return the voxels of the largest window."""
        return prod(self.tiles) if self.tiles else self.tile**ndim

    def windows(self, shape: tuple[int, ...], stride: int) -> Windows:
        """Lay windows over an image of `shape` for a network of that stride."""
        if self.sliding is not None:
            return Windows(*self.sliding.layout(shape), self.sliding.padding)
        lengths = self._lengths(len(shape))
        axes = [self._axis(n, stride, tile) for n, tile in zip(shape, lengths, strict=True)]
        starts = [range(0, padded - tile + 1, step) for padded, tile, step, _ in axes]
        tiles = tuple(tile for _, tile, _, _ in axes)
        slices = [
            tuple(slice(s, s + t) for s, t in zip(corner, tiles, strict=True))
            for corner in product(*starts)
        ]
        weight = np.ones((), np.float32)
        for size, start in zip(tiles, starts, strict=True):
            weight = np.multiply.outer(weight, self._ramp(size, len(start) > 1))
        padding = tuple(
            (before, padded - before - n)
            for n, (padded, _, _, before) in zip(shape, axes, strict=True)
        )
        return Windows(padding, slices, weight.astype(np.float32))

    def _lengths(self, ndim: int) -> tuple[int, ...]:
        if self.tiles and len(self.tiles) != ndim:
            raise InputError(f"Tiles of {self.sizes} px do not fit images with {ndim} axes")
        return self.tiles or (self.tile,) * ndim

    def _halo(self, tile: int) -> int:
        """Return the context on each side of a window, which leaves half of a flat one."""
        return min(self.halo, tile // 4) if self.tiles else self.halo

    def _axis(self, size: int, stride: int, tile: int) -> tuple[int, int, int, int]:
        """Return (padded size, window, step, padding before) of one axis."""

        def up(n: float) -> int:
            return stride * ceil(n / stride)

        if self.exact:
            rim = self._halo(tile)
            step = max(1, tile - 2 * rim)
            count = max(1, ceil((size + 2 * self.mirror - 2 * rim) / step))
            padded = (count - 1) * step + tile
            return padded, tile, step, (padded - size) // 2
        before = up(self.mirror)
        needed = up(size + 2 * before)
        halo = up(self.halo)
        core = max(stride, tile // stride * stride - 2 * halo)
        if needed <= core + 2 * halo:
            # One window needs no aligned origin: padding to the stride is split between both ends,
            # as in training patches. (Dice of an organ that fills the image rose by 0.001.)
            middle = before if self.mirror else (needed - size) // 2
            return needed, needed, needed, middle
        count = ceil((needed - 2 * halo) / core)
        step = up((needed - 2 * halo) / count)
        return count * step + 2 * halo, step + 2 * halo, step, before

    def _ramp(self, size: int, overlapping: bool) -> NDArray[np.float32]:
        """Return weights that are small on the outer half of the halo, then rise to 1.

        They are never 0, since at the image's border no other window covers the rim.
        """
        halo = self._halo(size)
        if not overlapping or not halo:
            return np.ones(size, np.float32)
        depth = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
        ramp = (depth - halo / 2) / halo
        return np.clip(ramp, _LEAST_WEIGHT, 1).astype(np.float32)


class TilingOptions(Options):
    """Tile size and overlap set by a user; the defaults are the model's."""

    tile: int | None = Field(
        None, ge=16, description="Largest tile along each axis, px. Default: the model's own."
    )
    halo: int | None = Field(
        None, ge=0, description="Context on each side of a tile, px. Default: the model's own."
    )

    def of(self, own: Tiling) -> Tiling:
        """Return the tiling of a model, changed by these options."""
        given = self.model_dump(exclude_none=True)
        if own.exact and given:
            raise InputError(
                f"This model runs on tiles of {own.sizes} px only",
                hint="Leave out tile size and overlap",
            )
        return Tiling.model_validate(own.model_dump() | given)
