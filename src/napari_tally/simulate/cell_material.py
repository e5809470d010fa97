"""What a microscope could see of simulated cells: bodies, nuclei, organelles, walls, thickness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


@dataclass
class Cells:
    """The cells of a field, shape (Y, X), and maps of them that are made when needed.

    Attributes
    ----------
    ids : ndarray of int32
        The cell of each pixel, 0 for none; consecutive from 1.
    layers : ndarray of int32
        Number of cells on top of each other.
    diameter : float
        Typical diameter in px.
    """

    ids: Ids
    layers: Ids
    diameter: float
    rng: np.random.Generator

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which pixels belong to a cell."""
        return self.ids > 0

    @cached_property
    def count(self) -> int:
        """Number of cells."""
        return int(self.ids.max(initial=0))

    @cached_property
    def _nearest(self) -> tuple[Floats, Ids]:
        """Distance to the nearest border and, outside of cells, the id of the nearest one."""
        if not self.count:
            return np.full(self.ids.shape, 1e3, np.float32), self.ids
        away, nearest = distance_transform_edt(~self.inside, return_indices=True)
        return away.astype(np.float32), self.ids[tuple(nearest)]

    @property
    def owner(self) -> Ids:
        """The id of each pixel's cell or, outside, of the nearest one."""
        return self._nearest[1]

    @property
    def away(self) -> Floats:
        """Distance from the nearest cell in px, 0 inside."""
        return self._nearest[0]

    @cached_property
    def deep(self) -> Floats:
        """Distance from the border of the own cell in px, 0 outside."""
        ids = np.pad(self.ids, 1, mode="edge")
        inner = ids[1:-1, 1:-1]
        same = self.inside.copy()
        for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
            height, width = inner.shape
            same &= ids[rows : rows + height, columns : columns + width] == inner
        if same.all():
            return np.full(same.shape, self.diameter / 2, np.float32)
        deep = distance_transform_edt(same) + self.inside * 0.5
        return np.asarray(deep, np.float32)

    @cached_property
    def deepest(self) -> Floats:
        """Largest `deep` of each cell by id."""
        most = np.full(self.count + 1, 1.0, np.float32)
        np.maximum.at(most, self.ids.ravel(), self.deep.ravel())
        return most

    @cached_property
    def relative(self) -> Floats:
        """`deep` relative to the largest one of the cell: 0 outside to 1."""
        return np.asarray(self.deep / self.deepest[self.ids] * self.inside, np.float32)

    @cached_property
    def dome(self) -> Floats:
        """Thickness of each cell: a dome of height 1."""
        dome = np.sqrt(np.clip(1 - (1 - self.relative) ** 2, 0, 1)) * self.inside
        return np.asarray(dome, np.float32)

    @cached_property
    def flat(self) -> Floats:
        """Thickness of spread cells: steep at the border, even inside."""
        return np.asarray(1 - np.exp(-self.deep / (0.08 * self.diameter)), np.float32)

    @cached_property
    def _offsets(self) -> tuple[Floats, Floats]:
        """Offset of each pixel from a place near the middle of its cell, y and x."""
        y, x = np.mgrid[: self.ids.shape[0], : self.ids.shape[1]].astype(np.float32)
        ids, weight = self.ids.ravel(), self.relative.ravel() ** 2
        total = np.maximum(np.bincount(ids, weight, self.count + 1), 1e-6)
        middle_y = np.bincount(ids, weight * y.ravel(), self.count + 1) / total
        middle_x = np.bincount(ids, weight * x.ravel(), self.count + 1) / total
        aside = self.rng.normal(0, 0.15, (2, self.count + 1)) * self.deepest
        owner = self.owner
        dy = y - (middle_y + aside[0])[owner]
        dx = x - (middle_x + aside[1])[owner]
        return dy.astype(np.float32), dx.astype(np.float32)

    @cached_property
    def angle(self) -> Floats:
        """Direction of each pixel from the middle of its cell."""
        return np.asarray(np.arctan2(*self._offsets), np.float32)

    @cached_property
    def nucleus(self) -> Floats:
        """Thickness of nuclei: soft ellipses of height 1 within cells."""
        dy, dx = self._offsets
        size = self.deepest * self.some(0.4, 0.8)
        stretch, turn = self.some(0.75, 1.35), self.some(0, np.pi)
        owner = self.owner
        cos, sin = np.cos(turn)[owner], np.sin(turn)[owner]
        along, across = (cos * dx + sin * dy) / stretch[owner], (cos * dy - sin * dx)
        radius = np.hypot(along, across * stretch[owner]) / size[owner]
        edge = np.clip((1 - radius) * size[owner], 0, 2) / 2
        return np.asarray(edge * (0.6 + 0.4 * np.clip(1 - radius, 0, 1)) * self.inside, np.float32)

    @cached_property
    def dark_spots(self) -> Floats:
        """Vacuoles: a few round spots within cells, 0 to 1."""
        coarse = self.grain(0.07 * self.diameter)
        return np.asarray(np.clip(3 * (coarse - 1.0), 0, 1) * self.inside, np.float32)

    def wall(self, width: float) -> Floats:
        """Return membranes of a width in px, height 1, with the brightness of each cell."""
        own = self.some(0.5, 1.5)
        inner = np.exp(-((self.deep / width) ** 2)) * self.inside
        outer = np.exp(-((self.away / (0.7 * width)) ** 2)) * ~self.inside
        return np.asarray((inner + outer) * own[self.owner], np.float32)

    def some(self, low: float, high: float) -> Floats:
        """Return a number for each id, 0 included, from `low` to `high`."""
        return self.rng.uniform(low, high, self.count + 1).astype(np.float32)

    def brightness(self, spread: float) -> Floats:
        """Return the brightness of each pixel's cell, 1 on average, 0 outside."""
        own = self.rng.lognormal(-(spread**2) / 2, spread, self.count + 1).astype(np.float32)
        return np.asarray(own[self.ids] * self.inside, np.float32)

    def grain(self, width: float) -> Floats:
        """Return noise of mean 0 and standard deviation 1 that changes over `width` px."""
        return smooth_noise(self.ids.shape, width, self.rng)


def smooth_noise(shape: tuple[int, ...], width: float, rng: np.random.Generator) -> Floats:
    """Return noise, shape (Y, X), of mean 0 and standard deviation 1, smooth over `width` px."""
    step = max(1, int(width / 2))
    coarse = tuple(n // step + 4 for n in shape)
    noise = gaussian_filter(rng.standard_normal(coarse, np.float32), max(width / step, 0.3))
    if step > 1:
        noise = _enlarged(noise, shape, step)
    noise = noise[: shape[0], : shape[1]]
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-6), np.float32)


def _enlarged(noise: Floats, shape: tuple[int, ...], step: int) -> Floats:
    """Return coarse noise, interpolated linearly at steps of 1 px."""
    for axis, size in enumerate(shape):
        at = np.arange(size, dtype=np.float32) / step
        low = at.astype(np.intp)
        share = (at - low).reshape(-1, 1) if axis == 0 else at - low
        first, second = noise.take(low, axis), noise.take(low + 1, axis)
        noise = (first + (second - first) * share).astype(np.float32)
    return np.asarray(noise, np.float32)
