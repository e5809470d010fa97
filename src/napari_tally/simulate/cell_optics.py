"""Unstained cells: phase contrast, DIC, bright field through focus, quantitative phase, dark field.

Each takes the optical thickness of the field, in which fibres and debris are as visible as cells.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from .cell_material import Cells, Floats, smooth_noise


def thickness(cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
    """Return the optical thickness: bodies with organelles and nuclei, and what is between them.

    Some cells are rounded up, thick and bright; others are flat and nearly invisible.
    """
    bulk = cells.dome if rng.random() < 0.5 else 0.5 * (cells.flat + cells.dome)
    own = rng.lognormal(0, rng.uniform(0.1, 0.6), cells.count + 1).astype(np.float32)
    round_up = rng.random(cells.count + 1) < rng.choice([0, 0.1, 0.25])
    own = own * np.where(round_up, rng.uniform(1.5, 4), 1)
    organelles = cells.grain(rng.uniform(0.6, 1.6)) * rng.uniform(0, 0.35)
    organelles = organelles + cells.grain(0.07 * cells.diameter) * rng.uniform(0, 0.3)
    inner = rng.uniform(-0.3, 0.9) * cells.nucleus - 0.4 * cells.dark_spots * (rng.random() < 0.3)
    body = bulk * (1 + organelles) + inner * cells.inside
    height = own[cells.ids] * body * cells.inside * cells.layers
    return np.asarray(gaussian_filter(height, rng.uniform(0.4, 1.0)) + extra, np.float32)


def phase_contrast(cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
    """Return cells with a bright halo around them and shade-off inside (Zernike)."""
    phase = thickness(cells, extra, rng)
    halo = rng.uniform(0.08, 0.35) * cells.diameter + 1
    low = _blurred(phase, halo)
    local = phase - rng.uniform(0.7, 1.1) * low
    strength = rng.uniform(0.15, 1.2)
    light = 1 - strength * local
    if rng.random() < 0.5:  # thick cells turn bright
        light = light + rng.uniform(0.2, 1.0) * np.clip(phase - rng.uniform(1, 2), 0, None)
    if rng.random() < 0.5:  # a sharp dark (or bright) outline
        edge = phase - gaussian_filter(phase, rng.uniform(1, 2))
        light = light + rng.uniform(-1.5, 1.5) * edge
    if rng.random() < 0.5:  # a bright rim just outside
        rim = np.exp(-((cells.away / rng.uniform(1, 0.1 * cells.diameter + 1.5)) ** 2))
        own = cells.some(0.1, 1.0)[cells.owner]
        light = light + rng.uniform(0.1, 0.9) * rim * own * ~cells.inside
    return np.asarray(light, np.float32)


def dic(cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
    """Return the slope of the thickness along one direction, with granules (Nomarski)."""
    phase = thickness(cells, extra, rng)
    if rng.random() < 0.6:
        granules = np.clip(cells.grain(rng.uniform(0.7, 2.2)), 0, None)
        phase = phase + rng.uniform(0.1, 0.6) * granules * cells.inside
    if rng.random() < 0.5:
        phase = phase + rng.uniform(0.2, 0.8) * gaussian_filter(cells.wall(1.5), 0.7)
    turn, shear = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 2.0)
    gy, gx = np.gradient(gaussian_filter(phase, shear / 2))
    slope = np.cos(turn) * gx + np.sin(turn) * gy
    light = rng.uniform(0.5, 1.0) + rng.uniform(0.5, 2.5) * slope
    if rng.random() < 0.3:
        light = light - rng.uniform(0, 0.3) * np.clip(phase, 0, 2)
    return np.asarray(light, np.float32)


def bright_field(cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
    """Return cells out of focus by a random distance: rings that are dark or bright outside."""
    phase = thickness(cells, extra, rng)
    defocus = rng.choice([-1, 1]) * rng.uniform(0.5, 3)
    light = 1 - 0.1 * rng.random() * phase
    for order, sign in enumerate((1, -0.6, 0.35)):
        near = rng.uniform(0.7, 1.3) * (order + 1) * max(abs(defocus) * 0.6, 0.7)
        ring = gaussian_filter(phase, near) - gaussian_filter(phase, near * 1.6)
        light = light + np.sign(defocus) * sign * rng.uniform(0.5, 1.5) * ring
    if rng.random() < 0.5:
        wall = cells.wall(rng.uniform(0.8, 2.0))
        light = light - rng.uniform(-0.3, 0.6) * wall
    return np.asarray(light, np.float32)


def quantitative_phase(cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
    """Return the thickness itself, on a background that is not quite flat."""
    phase = thickness(cells, extra, rng)
    waves = rng.uniform(0, 0.15) * smooth_noise(phase.shape, rng.uniform(8, 60), rng)
    return np.asarray(gaussian_filter(phase, rng.uniform(0, 1.2)) + waves, np.float32)


def dark_field(cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
    """Return scattered light: bright edges and granules on black."""
    phase = thickness(cells, extra, rng)
    gy, gx = np.gradient(phase)
    granules = np.clip(cells.grain(rng.uniform(0.6, 1.5)), 0, None) ** 2 * cells.inside
    return np.asarray(np.hypot(gy, gx) + rng.uniform(0, 0.4) * granules, np.float32)


def _blurred(image: Floats, sigma: float) -> Floats:
    """Return nearly a Gaussian blur, at a cost that does not grow with its width."""
    if sigma < 3:
        return np.asarray(gaussian_filter(image, sigma), np.float32)
    width = max(3, round(sigma * 2))
    for _ in range(3):
        image = uniform_filter(image, width, mode="nearest")
    return image
