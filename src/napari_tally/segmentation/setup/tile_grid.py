"""Tiles of an image for networks that return masks, which overlap by the largest objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np

Place = tuple[slice, slice]


@dataclass(frozen=True)
class TileGrid:
    """Tiles of one size that cover an image.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the image.
    tile, overlap : (int, int)
        Height and width of the tiles, and the least that neighbours share, in px of the image.
    """

    shape: tuple[int, int]
    tile: tuple[int, int]
    overlap: tuple[int, int]

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> TileGrid:
        """Return one tile."""
        return cls(shape, shape, (0, 0))

    def __iter__(self) -> Iterator[Place]:
        """Yield the place of each tile in the image."""
        sides = [min(t, n) for t, n in zip(self.tile, self.shape, strict=True)]
        for corner in product(*(self._starts(axis) for axis in (0, 1))):
            y, x = (slice(c, c + n) for c, n in zip(corner, sides, strict=True))
            yield y, x

    def __len__(self) -> int:
        return len(self._starts(0)) * len(self._starts(1))

    def _starts(self, axis: int) -> list[int]:
        n, tile = self.shape[axis], self.tile[axis]
        if n <= tile:
            return [0]
        step = max(1, tile - self.overlap[axis])
        count = ceil((n - tile) / step) + 1
        return [int(start) for start in np.linspace(0, n - tile, count).round()]

    def core(self, place: Place) -> Place:
        """Return the part of a tile that is nearer to its centre than to its neighbours'."""
        cut = []
        for axis, span in enumerate(place):
            starts = self._starts(axis)
            n, number = span.stop - span.start, starts.index(span.start)
            low, high = span.start, span.stop
            if number > 0:
                low = (span.start + starts[number - 1] + n) // 2
            if number + 1 < len(starts):
                high = (starts[number + 1] + span.stop) // 2
            cut.append(slice(low, high))
        return cut[0], cut[1]
