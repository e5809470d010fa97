"""Simulated tissue in 3D: cells side by side, seen by their stained walls or membranes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from ..core.options import Options
from .object_placement import ground_truth

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
_NEAREST = 6  # seeds that may own a voxel


class Tissue(Options):
    """A piece of tissue of polyhedral cells (a power diagram), and its image.

    Lengths are in voxels of the plane. Cells cut by the border of the image are labelled too.

    Attributes
    ----------
    shape : tuple of int
        Of the image, (Z, Y, X).
    coarse : float
        Distance of slices, relative to the pixel size.
    diameter : float
        Typical diameter of a cell.
    regular : float
        0 for random centres, 1 for nearly equal cells.
    spread : float
        Variation of the size of the cells.
    stretch : (float, float, float)
        Relative lengths of the cells along the axes.
    bend : float
        Curvature of the walls: standard deviation of their displacement, in diameters.
    filled : float
        Share of the image that the tissue takes; the rest is empty.
    lost : float
        Share of the cells within the tissue that are spaces without a label.
    wall : float
        Standard deviation of the profile of a wall.
    uneven : float
        Variation of the brightness from wall to wall.
    punctate : float
        Variation of the brightness along a wall.
    body : float
        Brightness of the inside of cells relative to walls, different in each.
    specks : float
        Brightness of small bodies inside of cells.
    blur, axial_blur : float
        Standard deviation of the blur in the plane, and how much wider it is along Z.
    haze : float
        Share of out-of-focus light.
    fading : float
        How much of the light is lost from the first to the last slice.
    photons : float
        Mean photon count of a wall.
    seed : int
        The same seed draws the same tissue.

    Examples
    --------
    >>> image, labels = Tissue(shape=(20, 48, 48), diameter=20).draw()
    >>> image.shape, int(labels.max()) > 5
    ((20, 48, 48), True)
    """

    shape: tuple[int, int, int] = (48, 96, 96)
    coarse: float = Field(1.0, ge=0.2, le=20)
    diameter: float = Field(24.0, ge=6, le=200)
    regular: float = Field(0.6, ge=0, le=1)
    spread: float = Field(0.2, ge=0, le=1)
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bend: float = Field(0.04, ge=0, le=0.3)
    filled: float = Field(0.8, ge=0, le=1)
    lost: float = Field(0.0, ge=0, le=1)
    wall: float = Field(0.8, ge=0.2, le=10)
    uneven: float = Field(0.2, ge=0, le=2)
    punctate: float = Field(0.2, ge=0, le=2)
    body: float = Field(0.05, ge=0, le=1)
    specks: float = Field(0.0, ge=0, le=3)
    blur: float = Field(0.8, ge=0, le=10)
    axial_blur: float = Field(2.0, ge=0, le=10)
    haze: float = Field(0.2, ge=0, le=5)
    fading: float = Field(0.2, ge=0, le=1)
    photons: float = Field(30.0, gt=0, le=1e6)
    seed: int = 0

    def draw(self) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return the image, counts of photons, and the labels, consecutive from 1."""
        rng = np.random.default_rng(self.seed)
        places = self._places(rng)
        seeds, sizes = self._seeds(rng)
        owners, depth = _power_diagram(places, seeds, sizes)
        keep = self._within(seeds, rng) & (rng.random(len(seeds)) >= self.lost)
        ids = np.where(keep[owners[0]], owners[0] + 1, 0).astype(np.int32)
        light = self._light(ids, owners, depth, keep, rng)
        labels = ground_truth(ids)
        image = rng.poisson(self.photons * self._seen(light)).clip(0, 65535)
        return image.astype(np.uint16), labels.astype(np.uint16)

    def _places(self, rng: np.random.Generator) -> Floats:
        """Return the place of each voxel, shape (Z, Y, X, 3), displaced so that walls curve."""
        axes = [np.arange(n, dtype=np.float32) for n in self.shape]
        axes[0] = axes[0] * np.float32(self.coarse)
        places = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        if self.bend:
            sigma = [0.35 * self.diameter / s for s in (self.coarse, 1, 1)]
            for axis in range(3):
                noise = gaussian_filter(rng.standard_normal(self.shape, np.float32), sigma)
                places[..., axis] += self.bend * self.diameter * noise / max(noise.std(), 1e-6)
        return np.asarray(places, np.float32)

    def _seeds(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the centres of cells in and around the image, and the squares of their sizes."""
        step = self.diameter * np.array(self.stretch) / np.prod(self.stretch) ** (1 / 3)
        extent = np.multiply(self.shape, (self.coarse, 1, 1))
        grid = [np.arange(-1.5 * s, n + 1.5 * s, s) for s, n in zip(step, extent, strict=True)]
        seeds = np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, 3)
        turned = np.rint(seeds / step).astype(int)
        seeds = seeds + step * 0.5 * (turned[:, [1, 2, 0]] % 2)  # staggered layers
        seeds = seeds + rng.normal(0, 1, seeds.shape) * step * 0.4 * (1 - self.regular)
        sizes = (self.spread * self.diameter) ** 2 * rng.uniform(-0.5, 0.5, len(seeds))
        return seeds, sizes

    def _within(self, seeds: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which cells are in the tissue: on one side of a bent surface."""
        if self.filled >= 1:
            return np.ones(len(seeds), bool)
        extent = np.multiply(self.shape, (self.coarse, 1, 1))
        away = (seeds - extent * rng.uniform(0.3, 0.7, 3)) / extent
        direction = rng.normal(0, 1, 3)
        height = away @ (direction / np.linalg.norm(direction))
        height = np.where(rng.random() < 0.5, height, np.linalg.norm(away, axis=1))
        inside = ((seeds >= 0) & (seeds <= extent)).all(1)
        limit = np.quantile(height[inside], self.filled) if inside.any() else np.inf
        return np.asarray(height <= limit)

    def _light(
        self,
        ids: Ids,
        owners: NDArray[np.intp],
        depth: Floats,
        keep: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> Floats:
        """Return the light of each voxel: 1 in a mean wall of a cell."""
        profile = np.exp(-0.5 * (depth / self.wall) ** 2)
        walls = keep[owners[0]] | keep[owners[1]]
        pair = owners[0] * owners[1] + owners[0] + owners[1]  # the same from both sides
        glow = rng.lognormal(0, self.uneven, 4096)[pair % 4096]
        grain = gaussian_filter(rng.standard_normal(self.shape, np.float32), 1.5)
        along = np.exp(self.punctate * grain / max(grain.std(), 1e-6))
        light = profile * walls * glow * along
        bodies = np.append(0, self.body * rng.lognormal(0, 0.4, len(keep)))[ids]
        if self.specks:
            fine = gaussian_filter(rng.standard_normal(self.shape, np.float32), 1.0)
            bodies = bodies + self.specks * (ids > 0) * (fine > 2.6 * fine.std())
        return np.asarray(np.maximum(light, bodies), np.float32)

    def _seen(self, light: Floats) -> Floats:
        """Return the light after the microscope, with stray light."""
        sigma = [self.blur * self.axial_blur / self.coarse, self.blur, self.blur]
        wide = [self.diameter / s for s in (self.coarse, 1, 1)]
        seen = gaussian_filter(light, sigma) + self.haze * gaussian_filter(light, wide)
        loss = np.linspace(1, 1 - self.fading, len(light), dtype=np.float32)
        return np.asarray(seen * loss[:, None, None] + 0.03, np.float32)


def _power_diagram(
    places: Floats, seeds: NDArray[np.float64], sizes: NDArray[np.float64]
) -> tuple[NDArray[np.intp], Floats]:
    """Return the two nearest cells of each place, shape (2, ...), and the distance to their wall.

    A cell is what is nearer to its seed than to others, by squared distance less size.
    """
    flat = places.reshape(-1, 3)
    distance, near = cKDTree(seeds).query(flat, k=_NEAREST)
    power = distance**2 - sizes[near]
    order = np.argsort(power, axis=1)[:, :2]
    first, second = np.take_along_axis(near, order, 1).T
    low, high = np.take_along_axis(power, order, 1).T
    apart = np.linalg.norm(seeds[first] - seeds[second], axis=1)
    shape = places.shape[:-1]
    depth = (high - low) / (2 * np.maximum(apart, 1e-6))
    owners = np.stack([first.reshape(shape), second.reshape(shape)])
    return owners, depth.reshape(shape).astype(np.float32)
