"""An MR-like phantom: a bent structure of two parts in brain-like tissue, with ground truth.

It imitates a hippocampus in a T1-weighted image: grey matter, dark fluid over it
and white matter below, amid folded cortex. It is not anatomically correct.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.ndimage import gaussian_filter

from ..core.errors import InputError
from ..core.options import Options

CLASSES = ("anterior", "posterior")

Floats = NDArray[np.float32]

_FLUID, _GREY, _WHITE, _PART = 0.1, 0.42, 0.8, 0.5  # brightness in a T1-weighted image
_RISE_MM, _DROP_MM = 11.0, -6.0  # height of the posterior end and of the front part
_WIDE_MM, _HIGH_MM = 7.4, 4.8  # half axes of a cross section of the body
_FLUID_MM, _BED_MM, _CORTEX_MM = 1.2, 2.6, 3.4  # thickness of the layers around it
_FOLD_MM = 3.2  # scale of the folds of the cortex
_SPLIT = 0.58  # where, from the back to the front, the anterior part begins


class BrainPhantom(Options):
    """A part of a brain around a bent structure of two parts, `CLASSES`, in that order.

    The axes Z, Y, X go up, to the front and to the right ("RAS"); see `affine`.

    Attributes
    ----------
    shape : (int, int, int)
        Voxels along (Z, Y, X).
    spacing_mm : (float, float, float)
        Size of a voxel along each axis, in mm; thick slices are averages over their thickness.
    length_mm : float
        Length of the structure, from its posterior to its anterior end.
    side : "right" or "left"
        Side of the head; one is the mirror image of the other.
    variation : float
        Variation in shape between phantoms; 0 for none.
    contrast : float
        Contrast of the tissues; 1 is that of a good image.
    noise : float
        Standard deviation of the (Rician) noise, as a share of the brightness of white matter.
    bias : float
        Strength of the bias field: 0.2 for 20 %.
    level : float
        Intensity of white matter, in arbitrary units.
    seed : int
        The same seed draws the same phantom.

    Raises
    ------
    pydantic.ValidationError
        If an option is invalid.
    """

    shape: tuple[int, int, int] = (36, 52, 36)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    length_mm: float = Field(38.0, ge=10, le=200)
    side: Literal["right", "left"] = "right"
    variation: float = Field(1.0, ge=0, le=2)
    contrast: float = Field(1.0, gt=0, le=2)
    noise: float = Field(0.03, ge=0, le=1)
    bias: float = Field(0.15, ge=0, le=0.8)
    level: float = Field(700.0, gt=0, le=1e6)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _positive(self) -> BrainPhantom:
        if min(self.shape) < 1:
            raise InputError(f"Shape must be positive, not {self.shape}")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise InputError(f"Spacing must be positive and finite, not {self.spacing_mm}")
        return self

    @property
    def affine(self) -> NDArray[np.float64]:
        """The affine of the arrays (see `Volume.affine`): the middle of the image is at 0."""
        up, front, right = self.spacing_mm
        affine = np.diag([up, -front, -right, 1.0])
        affine[:3, 3] = -affine[:3, :3] @ (np.array(self.shape) - 1) / 2
        return affine

    def draw(self) -> tuple[Floats, NDArray[np.uint8]]:
        """Return (image, classes), both of `shape`; classes are 1 anterior, 2 posterior, else 0."""
        rng = np.random.default_rng(self.seed)
        fine = _Grid.within(self.shape, self.spacing_mm, self.side)
        structure = _Structure.random(self.length_mm, self.variation, rng)
        along, depth = structure.place(fine)
        tissue = _tissue(fine, structure, along, depth, rng)
        part = np.where(along < _SPLIT, 2, 1) * (depth < 0)
        shares = np.stack([fine.averaged((part == i).astype(np.float32)) for i in range(3)])
        light = fine.averaged(gaussian_filter(tissue, [0.5 / s for s in fine.step_mm]))
        light = _WHITE + self.contrast * (light - _WHITE)
        return self._scanned(light, rng), shares.argmax(0).astype(np.uint8)

    def _scanned(self, light: Floats, rng: np.random.Generator) -> Floats:
        """Add what a scanner does: a bias field, noise and an arbitrary intensity scale."""
        axes = [np.linspace(-1, 1, n) for n in self.shape]
        z, y, x = np.meshgrid(*axes, indexing="ij")
        a, b, c, d = rng.uniform(-1, 1, 4)
        field = np.exp(self.bias * (a * z + b * y + c * x + d * (x * y)) / 2)
        real, imaginary = rng.normal(0, self.noise * _WHITE, (2, *self.shape))
        bright = np.hypot(light * field + real, imaginary)
        return np.asarray(bright * self.level / _WHITE, np.float32)


class _Grid:
    """Points of the phantom, fine enough that each voxel is the average of a few."""

    def __init__(self, parts: tuple[int, ...], coordinates: list[NDArray[np.float64]]) -> None:
        self.parts = parts
        self.z, self.y, self.x = np.meshgrid(*coordinates, indexing="ij", sparse=True)
        self.shape = tuple(len(c) for c in coordinates)
        self.step_mm = [abs(c[1] - c[0]) if len(c) > 1 else 1.0 for c in coordinates]

    @classmethod
    def within(cls, shape: tuple[int, ...], spacing_mm: tuple[float, ...], side: str) -> _Grid:
        """Return the points within voxels, in mm from the middle; x goes to the outside."""
        parts = tuple(max(1, min(8, round(s / 0.5))) for s in spacing_mm)
        points = []
        for n, s, k in zip(shape, spacing_mm, parts, strict=True):
            points.append(((np.arange(n * k) + 0.5) / k - n / 2) * s)
        points[2] = points[2] if side == "right" else -points[2]
        return cls(parts, points)

    def averaged(self, fine: Floats) -> Floats:
        """Return the mean of the points of each voxel."""
        blocks = [part for n, k in zip(self.shape, self.parts, strict=True) for part in (n // k, k)]
        return np.asarray(fine.reshape(blocks).mean((1, 3, 5)), np.float32)

    def smooth(self, scale_mm: float, rng: np.random.Generator) -> Floats:
        """Return smooth noise of mean 0 and standard deviation 1."""
        noise = rng.standard_normal(self.shape, np.float32)
        smooth = gaussian_filter(noise, [scale_mm / s for s in self.step_mm], mode="reflect")
        return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), np.float32)


class _Structure:
    """A bent body: where its axis runs, and how thick it is."""

    def __init__(self, length_mm: float, rise: float, lean: float, girth: float) -> None:
        self.length_mm, self.rise, self.lean, self.girth = length_mm, rise, lean, girth

    @classmethod
    def random(cls, length_mm: float, variation: float, rng: np.random.Generator) -> _Structure:
        rise, lean, girth = 1 + variation * rng.uniform(-1, 1, 3) * (0.2, 0.5, 0.1)
        return cls(length_mm, rise, lean, girth * length_mm / 38)

    def place(self, grid: _Grid) -> tuple[Floats, Floats]:
        """Return, for each point, its place along the axis (0 back, 1 front) and its depth.

        The depth is the distance from the surface in mm, nearly, and negative inside.
        """
        along = (grid.y / self.length_mm + 0.5) + 0 * grid.z + 0 * grid.x
        inner = np.clip(along, 0, 1)
        up, side, wide, high = self.section(inner)
        radius = np.hypot((grid.z - up) / high, (grid.x - side) / wide)
        depth = (radius - 1) * np.sqrt(high * wide)
        beyond = np.maximum(np.maximum(-along, along - 1), 0) * self.length_mm
        outside = np.hypot(np.maximum(depth, 0), beyond)
        depth = np.where((beyond > 0) | (depth > 0), outside, depth)
        return np.asarray(along, np.float32), np.asarray(depth, np.float32)

    def section(self, along: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return height and place to the side of the axis, and the half axes there, in mm."""
        up = self.rise * (_RISE_MM * (1 - along) ** 1.6 + _DROP_MM * np.sqrt(along))
        side = self.lean * (3.0 * np.sin(np.pi * along) - 1.5)
        ends = np.sqrt(np.clip(1 - np.abs(2 * along - 1) ** 6, 1e-3, 1))
        head = np.clip((along - 0.45) / 0.3, 0, 1)
        wide = self.girth * _WIDE_MM * (0.55 + 0.25 * along + 0.3 * head) * ends
        high = self.girth * _HIGH_MM * (0.7 + 0.1 * along + 0.35 * head) * ends
        return up, side, wide, high

    def above(self, grid: _Grid, along: Floats) -> NDArray[np.bool_]:
        """Return which points are above the axis."""
        up = self.section(np.clip(along, 0, 1).astype(np.float64))[0]
        over: NDArray[np.bool_] = grid.z > up
        return over


def _tissue(
    grid: _Grid, structure: _Structure, along: Floats, depth: Floats, rng: np.random.Generator
) -> Floats:
    """Return the brightness of each point."""
    over = structure.above(grid, along)
    tissue = np.where(over, _deep(grid, rng), _folds(grid, rng))
    tissue[~over & (depth < _BED_MM + _CORTEX_MM)] = _GREY
    tissue[~over & (depth < _BED_MM)] = _WHITE
    tissue[over & (depth < _FLUID_MM)] = _FLUID
    grain = 0.03 * grid.smooth(1.0, rng)
    return np.asarray(np.where(depth < 0, _PART, tissue) + grain, np.float32)


def _deep(grid: _Grid, rng: np.random.Generator) -> Floats:
    """Return white matter with large, faint grey nuclei."""
    return np.asarray(_WHITE - 0.1 * np.clip(grid.smooth(2 * _FOLD_MM, rng), 0, 1.5), np.float32)


def _folds(grid: _Grid, rng: np.random.Generator) -> Floats:
    """Return white matter with folded cortex and fluid in the sulci."""
    field = np.abs(grid.smooth(_FOLD_MM, rng))
    return np.select([field < 0.12, field < 0.5], [_FLUID, _GREY], _WHITE).astype(np.float32)
