"""What lies between and on cells: beaded fibres, haloed debris, dust, scratches, folds, ghosts."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.ndimage import gaussian_filter

from ..core.options import Options
from .cell_material import Floats, smooth_noise

_LINE = 3  # px a step of a fibre


class CellClutter(Options):
    """Structure that is no cell; its height is relative to that of a cell.

    Attributes
    ----------
    fibres : float
        Number of fibres (neurites, collagen) in 256 x 256 px; some have beads.
    debris : float
        Number of small round particles in 256 x 256 px.
    ghosts : float
        Number of pale remains of cells in 256 x 256 px, too faint to count.
    folds : float
        Height of folds and wrinkles of the background.
    texture : float
        Height of the background's texture.
    texture_px : float
        Its scale in px.
    brightness : float
        Mean height of fibres and debris.
    """

    fibres: float = Field(0.0, ge=0, le=200)
    debris: float = Field(0.0, ge=0, le=1000)
    ghosts: float = Field(0.0, ge=0, le=100)
    folds: float = Field(0.0, ge=0, le=5)
    texture: float = Field(0.0, ge=0, le=5)
    texture_px: float = Field(3.0, gt=0, le=200)
    brightness: float = Field(0.5, ge=0, le=10)

    def draw(self, shape: tuple[int, int], diameter: float, rng: np.random.Generator) -> Floats:
        """Return the height of the clutter, shape (Y, X), among cells of a diameter in px."""
        height = np.zeros(shape, np.float32)
        area = shape[0] * shape[1] / 256**2
        for _ in range(rng.poisson(self.fibres * area)):
            self._fibre(height, diameter, rng)
        for _ in range(rng.poisson(self.debris * area)):
            radius = rng.uniform(0.6, max(0.12 * diameter, 1.0))
            _spot(height, rng.uniform(0, shape), radius, rng.exponential(self.brightness))
        for _ in range(rng.poisson(self.ghosts * area)):
            _ghost(height, rng.uniform(0, shape), rng.uniform(0.25, 0.6) * diameter, rng)
        height = gaussian_filter(height, 0.6) if height.any() else height
        if self.folds:
            waves = smooth_noise(shape, rng.uniform(0.3, 1.5) * diameter, rng)
            height = height + self.folds * np.exp(-((waves / rng.uniform(0.05, 0.4)) ** 2))
        if self.texture:
            height = height + self.texture * smooth_noise(shape, self.texture_px, rng)
        return np.asarray(height, np.float32)

    def _fibre(self, height: Floats, diameter: float, rng: np.random.Generator) -> None:
        """Add a fibre that wanders through the field."""
        place, heading = rng.uniform(0, height.shape), rng.uniform(0, 2 * np.pi)
        width, glow = rng.uniform(0.4, 1.3), self.brightness * rng.uniform(0.3, 1.2)
        beads = rng.random() < 0.6
        every = rng.uniform(0.15, 1) * diameter
        travelled = 0.0
        for _ in range(int(rng.uniform(0.5, 8) * diameter / _LINE)):
            heading += rng.normal(0, 0.12)
            step = np.array([np.sin(heading), np.cos(heading)])
            for part in np.linspace(0, 1, _LINE, endpoint=False):
                _spot(height, place + step * part * _LINE, width, glow)
            place = place + step * _LINE
            travelled += _LINE
            if beads and travelled > every:
                travelled = 0.0
                _spot(height, place, rng.uniform(1, 0.07 * diameter + 1.2), 2 * glow)


def scratched(light: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return an image with straight scratches and dust of the optics, bright or dark."""
    spread = float(light.std()) + 1e-3
    marks = np.zeros(light.shape, np.float32)
    for _ in range(count):
        start = rng.uniform(0, light.shape)
        if rng.random() < 0.5:
            _spot(marks, start, rng.uniform(2, 12), rng.uniform(0.3, 2))
            continue
        turn = rng.uniform(0, np.pi)
        step = np.array([np.sin(turn), np.cos(turn)])
        for i in range(int(rng.uniform(20, 200))):
            _spot(marks, start + i * step, rng.uniform(0.4, 0.8), 1.0)
    return np.asarray(light + rng.choice([-1, 1]) * rng.uniform(0.5, 2) * spread * marks)


def _spot(height: Floats, place: np.ndarray, radius: float, glow: float) -> None:
    """Add a soft disc; where there is more already, nothing changes."""
    reach = int(2 * radius) + 1
    y, x = int(place[0]), int(place[1])
    rows = slice(max(0, y - reach), max(0, min(height.shape[0], y + reach + 1)))
    columns = slice(max(0, x - reach), max(0, min(height.shape[1], x + reach + 1)))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    dy = np.arange(rows.start, rows.stop)[:, None] - place[0]
    dx = np.arange(columns.start, columns.stop)[None] - place[1]
    disc = glow * np.exp(-(((dy * dy + dx * dx) / radius**2) ** 1.5))
    part = height[rows, columns]
    np.maximum(part, disc.astype(np.float32), out=part)


def _ghost(height: Floats, place: np.ndarray, radius: float, rng: np.random.Generator) -> None:
    """Add a faint ring or disc as large as a cell."""
    y, x = np.ogrid[: height.shape[0], : height.shape[1]]
    away = np.hypot(y - place[0], x - place[1])
    glow, ring = rng.uniform(0.03, 0.15), rng.random() < 0.5
    disc = np.exp(-(((away - radius) / (0.2 * radius)) ** 2)) if ring else (away < radius)
    height += np.asarray(glow * disc, np.float32)
