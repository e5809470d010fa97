"""Clutter of microscope images: walls, cytoplasm, specks, fog, fading with depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter, minimum_filter

from ..core.options import Options

if TYPE_CHECKING:
    from .object_placement import Floats, Labels, Point

_SPECK = (0.08, 0.5)  # diameters of specks, in diameters of a nucleus
_CELL = 0.35  # how far a cell reaches beyond its nucleus, in diameters


class Clutter(Options):
    """Structure other than nuclei; brightness is relative to that of nuclei.

    Attributes
    ----------
    walls : float
        Brightness of thin sheets (lines in 2D) half-way between neighbouring nuclei, as cell
        walls or membranes show.
    cytoplasm : float
        Brightness of a cell's body around its nucleus, on average over cells.
    specks : float
        Debris, granules and spots: number per nucleus.
    speck_brightness : float
        Mean brightness of a speck; some are several times brighter.
    fog : float
        Height of a smooth, uneven background.
    fading : float
        Attenuation with depth (the first axis of a stack): 1 leaves 37 % of the light at the end.
    """

    walls: float = Field(0.0, ge=0, le=10)
    cytoplasm: float = Field(0.0, ge=0, le=10)
    specks: float = Field(0.0, ge=0, le=100)
    speck_brightness: float = Field(1.0, ge=0, le=100)
    fog: float = Field(0.0, ge=0, le=10)
    fading: float = Field(0.0, ge=0, le=5)

    def over(
        self, light: Floats, labels: Labels, diameter: Point, rng: np.random.Generator
    ) -> Floats:
        """Add clutter to the light of nuclei.

        Parameters
        ----------
        light : ndarray, shape of `labels`
            The light of each voxel, about 1 inside of nuclei.
        labels : ndarray of int
            The nuclei.
        diameter : ndarray, shape (ndim,)
            A nucleus's mean diameter in voxels along each axis.
        """
        if self.walls or self.cytoplasm:
            light = light + self._cells(labels, diameter, rng)
        if self.specks:
            light = light + self._specks(labels, diameter, rng)
        if self.fog:
            light = light + self.fog * _smooth(light.shape, 1.5 * diameter, rng)
        if self.fading and light.ndim == 3:
            depth = np.linspace(0, 1, len(light), dtype=np.float32)[:, None, None]
            light = light * np.exp(-np.float32(self.fading) * depth)
        return np.asarray(light, np.float32)

    def _cells(self, labels: Labels, diameter: Point, rng: np.random.Generator) -> Floats:
        """Return the light of walls and of cytoplasm, outside of nuclei."""
        if not labels.any():
            return np.zeros(labels.shape, np.float32)
        away, nearest = distance_transform_edt(
            labels == 0, sampling=1 / diameter, return_indices=True
        )
        cell = labels[tuple(nearest)]
        outside = labels == 0
        wall = outside & (maximum_filter(cell, 3) != minimum_filter(cell, 3))
        own = rng.gamma(2.0, 0.5, int(labels.max()) + 1).astype(np.float32)
        body = np.exp(-((away / _CELL) ** 2)).astype(np.float32) * own[cell]
        uneven = 0.5 + _smooth(labels.shape, diameter / 2, rng)
        cells = np.where(outside, self.cytoplasm * body, 0) + self.walls * wall * uneven
        return np.asarray(cells, np.float32)

    def _specks(self, labels: Labels, diameter: Point, rng: np.random.Generator) -> Floats:
        """Return the light of specks, anywhere."""
        light = np.zeros(labels.shape, np.float32)
        for _ in range(rng.poisson(self.specks * max(1, int(labels.max())))):
            radius = np.maximum(rng.uniform(*_SPECK) / 2 * diameter, 0.5)
            centre = rng.uniform(0, labels.shape)
            start = np.maximum(np.floor(centre - 2 * radius), 0).astype(int)
            stop = np.minimum(np.ceil(centre + 2 * radius) + 1, labels.shape).astype(int)
            box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
            axes = np.ogrid[box]
            r2 = sum(((g - c) / r) ** 2 for g, c, r in zip(axes, centre, radius, strict=True))
            glow = rng.exponential(self.speck_brightness)
            light[box] = np.maximum(light[box], glow * np.exp(-np.asarray(r2, np.float32)))
        return light


def warped(
    fields: list[NDArray[Any]], bend: float, diameter: Point, rng: np.random.Generator
) -> list[NDArray[Any]]:
    """Deform arrays of one shape by one smooth random displacement.

    `bend` is the standard deviation of the displacement along each axis, in diameters; it varies
    over about a diameter, so that objects are deformed and not only shifted.
    """
    shape = fields[0].shape
    place = np.indices(shape, np.float32)
    for axis, size in enumerate(diameter):
        noise = gaussian_filter(rng.standard_normal(shape, np.float32), 0.6 * diameter)
        place[axis] += noise * np.float32(bend * size / max(float(noise.std()), 1e-6))
    index = []
    for axis, size in enumerate(shape):
        index.append(np.clip(np.rint(place[axis]), 0, size - 1).astype(np.intp))
    return [field[tuple(index)] for field in fields]


def _smooth(shape: tuple[int, ...], width: Point, rng: np.random.Generator) -> Floats:
    """Return smooth noise from 0 to 1 that changes over about `width` voxels."""
    noise = gaussian_filter(rng.standard_normal(shape, np.float32), width / 2, mode="wrap")
    low, high = float(noise.min()), float(noise.max())
    return np.asarray((noise - low) / max(high - low, 1e-6), np.float32)
