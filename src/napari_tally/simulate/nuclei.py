"""Simulated fluorescence images of touching nuclei in 2D and 3D, with ground truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.ndimage import distance_transform_edt, find_objects, gaussian_filter, uniform_filter

from ..core.errors import InputError
from ..core.options import Options
from .clutter import Clutter, warped
from .object_placement import Ellipsoid, Floats, Labels, Placement, Point, ground_truth

_TRIES = 60  # places tried for a nucleus
_FULL = 8  # nuclei in a row without a place: then the field is full
_NUCLEOLI = 1.4  # standard deviations of the coarse texture beyond which chromatin is thin
_STRAY = 0.02  # light of a voxel without anything


class NucleiField(Options):
    """A field of stained nuclei as a fluorescence microscope shows it.

    The nuclei are ellipsoids with uneven outlines, their own brightness and chromatin texture.
    Where two touch, each voxel belongs to the nucleus in which it is deeper.

    Attributes
    ----------
    shape : tuple of int
        Voxels along (Y, X) or (Z, Y, X).
    spacing_um : tuple of float
        Size of a voxel along each axis, in µm.
    diameter_um : float
        Mean diameter, in µm, of the disc or ball of a nucleus's area or volume.
    diameter_spread : float
        Standard deviation of the diameters, as a share of their mean.
    count : int
        Requested number of nuclei; fewer are drawn if the field is full.
    touching : float
        Fraction of nuclei placed against an existing one; the others are placed at a distance.
        The final fraction of touching nuclei is higher.
    elongation : float
        Mean ratio of a nucleus's longest to its shortest axis.
    bend : float
        Random deformation of the field, in diameters: 0.1 makes ellipsoids irregular.
    brightness_spread : float
        Standard deviation of the nuclei's brightness, as a share of its mean.
    texture : float
        Contrast of the chromatin inside of a nucleus; 0 for none.
    blur_um : float
        Standard deviation of the blur in the plane, in µm.
    axial_blur : float
        Ratio of the blur along Z to that in the plane.
    clutter : Clutter
        Other structure: walls, cytoplasm, specks, fog.
    generous : float
        How far beyond its outline a nucleus is labelled, in standard deviations of the blur:
        annotators include the blurred rim.
    haze : float
        Share of out-of-focus light, spread over about a diameter.
    photons : float
        Mean photon count of a nucleus's voxels: fewer are noisier.
    camera_offset : float
        Counts of a voxel without light.
    seed : int
        The same seed draws the same field.

    Raises
    ------
    pydantic.ValidationError
        If an option is invalid, or options contradict each other.
    """

    shape: tuple[int, ...] = (512, 512)
    spacing_um: tuple[float, ...] = (0.5, 0.5)
    diameter_um: float = Field(12.0, gt=0, allow_inf_nan=False)
    diameter_spread: float = Field(0.2, ge=0, le=1)
    count: int = Field(160, ge=0, le=1_000_000)
    touching: float = Field(0.6, ge=0, le=1)
    elongation: float = Field(1.4, ge=1, le=5)
    bend: float = Field(0.0, ge=0, le=1)
    brightness_spread: float = Field(0.3, ge=0, le=1)
    texture: float = Field(0.5, ge=0, le=2)
    blur_um: float = Field(0.4, ge=0, allow_inf_nan=False)
    axial_blur: float = Field(2.5, ge=0, le=20)
    clutter: Clutter = Clutter()
    generous: float = Field(0.0, ge=0, le=3)
    haze: float = Field(0.3, ge=0, le=10)
    photons: float = Field(300.0, gt=0, le=10_000)
    camera_offset: float = Field(100.0, ge=0, le=10_000)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _fitting(self) -> NucleiField:
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise InputError(f"Shape must be 2 or 3 positive numbers, not {self.shape}")
        if len(self.spacing_um) != len(self.shape):
            raise InputError(
                f"Spacing must have a number for each of {len(self.shape)} axes,"
                f" not {self.spacing_um}",
                hint="Try spacing_um=(1, 0.5, 0.5) in 3D",
            )
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_um):
            raise InputError(f"Spacing must be positive and finite, not {self.spacing_um}")
        if self.diameter_um < 2 * min(self.spacing_um):
            raise InputError(
                f"Diameter must be at least two voxels of {min(self.spacing_um):g} um,"
                f" not {self.diameter_um:g} um"
            )
        return self

    def draw(self) -> tuple[NDArray[np.uint16], Labels]:
        """Return (image, labels), both of `shape`.

        Returns
        -------
        image : ndarray of uint16
            Counts of the camera.
        labels : ndarray of uint16 or uint32
            Consecutive ids from 1, one a nucleus; uint16 up to 65,535 nuclei. A nucleus is one
            connected component (over corners too), and may be cut off by the border of the field.
        """
        rng = np.random.default_rng(self.seed)
        labels, depth = self._bodies(rng)
        light = self._light(labels, depth, rng)
        light = self.clutter.over(light, labels, self._diameters(), rng)
        light = self._out_of_focus(light)
        counts = self.camera_offset + rng.poisson(self.photons * light)
        image = np.clip(counts, 0, np.iinfo(np.uint16).max).astype(np.uint16)
        return image, self._as_drawn(labels)

    def _bodies(self, rng: np.random.Generator) -> tuple[Labels, Floats]:
        """Return the nuclei, and the depth of each voxel in its own."""
        placement = self._filled(rng)
        if not self.bend:
            return ground_truth(placement.labels), placement.depth
        fields = [placement.labels, placement.depth]
        bodies, depth = warped(fields, self.bend, self._diameters(), rng)
        return ground_truth(bodies), depth

    def _filled(self, rng: np.random.Generator) -> Placement:
        """Place nuclei until there are enough, or the field is full."""
        placement, unplaced = Placement.empty(self.shape, self.spacing_um), 0
        for diameter in _spread(self.diameter_um, self.diameter_spread, self.count, rng):
            nucleus = Ellipsoid.random(diameter, len(self.shape), self.elongation, rng)
            beside = bool(placement.placed) and rng.random() < self.touching
            placed = any(placement.add(nucleus, beside, rng) for _ in range(_TRIES))
            unplaced = 0 if placed else unplaced + 1
            if unplaced == _FULL:
                break
        return placement

    def _light(self, labels: Labels, depth: Floats, rng: np.random.Generator) -> Floats:
        """Return the light of each voxel: about 1 on average inside of nuclei, 0 outside."""
        # In projection a nucleus is thin at its rim; an optical section is nearly even.
        rim = 0.55 if labels.ndim == 2 else 0.9
        thickness = rim + 1.5 * (1 - rim) * np.sqrt(np.clip(1 - depth**2, 0, 1))
        light = np.where(labels > 0, thickness, np.float32(0)).astype(np.float32)
        chromatin = self._chromatin(rng)
        boxes = find_objects(labels)
        glow = _spread(1.0, self.brightness_spread, len(boxes), rng)
        for i, box in enumerate(boxes):
            own = labels[box] == i + 1
            part = _somewhere(own.shape, self.shape, rng)  # a texture that no neighbour has
            light[box][own] *= np.float32(glow[i]) * chromatin[part][own]
        return light

    def _chromatin(self, rng: np.random.Generator) -> Floats:
        """Return the relative density of chromatin, of `shape`: granules and dark nucleoli."""
        fine, middle, coarse = (
            _normal(gaussian_filter(rng.standard_normal(self.shape, np.float32), self._voxels(s)))
            for s in (0.025 * self.diameter_um, 0.05 * self.diameter_um, 0.09 * self.diameter_um)
        )
        nucleoli = 1 / (1 + np.exp(8 * (_NUCLEOLI - coarse)))
        density = np.exp(self.texture * (0.3 * fine + 0.35 * middle - 1.3 * nucleoli))
        return np.asarray(density / density.mean(), np.float32)

    def _out_of_focus(self, light: Floats) -> Floats:
        """Return the light after the microscope: blurred, with out-of-focus haze."""
        sigma = self._blur()
        width = [max(1, round(s)) for s in self._voxels(1.2 * self.diameter_um)]
        haze = light
        for _ in range(3):  # nearly a Gaussian, at a cost that does not grow with its width
            haze = uniform_filter(haze, width, mode="nearest")
        return np.asarray(gaussian_filter(light, sigma) + self.haze * haze + _STRAY, np.float32)

    def _blur(self) -> Point:
        """Return the standard deviation of the blur along each axis, in voxels."""
        sigma = np.array(self._voxels(self.blur_um))
        if len(sigma) == 3:
            sigma[0] *= self.axial_blur
        return sigma

    def _as_drawn(self, labels: Labels) -> Labels:
        """Return the labels as an annotator would draw them on the blurred image."""
        sigma = self._blur()
        if not self.generous or not labels.any() or not sigma.all():
            return labels
        away, nearest = distance_transform_edt(labels == 0, sampling=1 / sigma, return_indices=True)
        drawn: Labels = np.where(away <= self.generous, labels[tuple(nearest)], 0)
        return drawn.astype(labels.dtype)

    def _diameters(self) -> Point:
        return np.array([self.diameter_um / s for s in self.spacing_um])

    def _voxels(self, length_um: float) -> list[float]:
        """Return a length in voxels along each axis, at most the whole field."""
        return [min(length_um / s, n) for s, n in zip(self.spacing_um, self.shape, strict=True)]


def _spread(mean: float, share: float, count: int, rng: np.random.Generator) -> Point:
    """Return `count` log-normal numbers with this mean and relative standard deviation."""
    sigma = np.sqrt(np.log1p(share**2))
    return mean * rng.lognormal(-(sigma**2) / 2, sigma, count)


def _normal(noise: Floats) -> Floats:
    """Return noise of mean 0 and standard deviation 1; constant noise (one voxel) gives 0."""
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-6), np.float32)


def _somewhere(
    part: tuple[int, ...], whole: tuple[int, ...], rng: np.random.Generator
) -> tuple[slice, ...]:
    """Return a random position of a box of shape `part` within the shape `whole`."""
    starts = rng.integers(0, np.subtract(whole, part) + 1)
    return tuple(slice(a, a + n) for a, n in zip(starts, part, strict=True))
