"""Stained cells: the light of fluorescent bodies, membranes and nuclei, absorbing stains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from .cell_material import Cells, Floats


def cytoplasm(cells: Cells, rng: np.random.Generator) -> Floats:
    """Return bodies with organelles; nuclei may be darker or brighter than the rest."""
    shape = cells.dome ** rng.uniform(0.2, 1.2) if rng.random() < 0.6 else cells.flat
    fine, coarse = cells.grain(rng.uniform(0.7, 2)), cells.grain(0.1 * cells.diameter)
    texture = np.exp(rng.uniform(0, 0.45) * fine + rng.uniform(0, 0.4) * coarse)
    light = cells.brightness(rng.uniform(0.1, 0.7)) * shape * texture
    if rng.random() < 0.6:
        light = light * (1 + rng.uniform(-0.9, 1.2) * cells.nucleus)
    if rng.random() < 0.3:
        light = light * (1 - rng.uniform(0.3, 0.9) * cells.dark_spots)
    return np.asarray(light * cells.layers, np.float32)


def membranes(cells: Cells, rng: np.random.Generator) -> Floats:
    """Return walls, often broken or punctate, around dark (or dim) interiors."""
    width = rng.uniform(0.7, 0.09 * cells.diameter + 0.8)
    wall = cells.wall(width)
    if rng.random() < 0.6:  # broken: parts of the wall are missing
        gaps = cells.grain(rng.uniform(0.05, 0.3) * cells.diameter + 1)
        wall = wall * np.clip(rng.uniform(0.2, 1.2) + rng.uniform(0.4, 1.2) * gaps, 0, 2.5)
    if rng.random() < 0.45:  # punctate
        dots = np.clip(cells.grain(rng.uniform(0.6, 1.6)), 0, None) ** 2
        wall = wall * (rng.uniform(0.1, 0.6) + rng.uniform(0.5, 1.5) * dots)
    if rng.random() < 0.35:  # brighter on one side, a partial outline
        side = cells.some(0, 2 * np.pi)[cells.owner]
        wall = wall * np.clip(0.5 + rng.uniform(0.3, 1.0) * np.cos(cells.angle - side), 0, None)
    inner = rng.uniform(0, 0.35) if rng.random() < 0.6 else 0.0
    filled = cells.brightness(0.4) * (1 + 0.3 * cells.grain(1.5))
    light = wall + inner * filled * (1 - 0.8 * cells.nucleus * (rng.random() < 0.6))
    if rng.random() < 0.15:
        light = light + rng.uniform(0.3, 1) * cells.nucleus
    return np.asarray(light, np.float32)


def nucleus_and_body(cells: Cells, rng: np.random.Generator) -> Floats:
    """Return bright nuclei in dimmer bodies, as two channels merged into one show them."""
    grain = 1 + rng.uniform(0.05, 0.3) * cells.grain(rng.uniform(0.8, 2))
    body = cells.brightness(0.3) * cells.flat * grain
    nucleus = cells.nucleus * cells.brightness(0.3)
    return np.asarray(rng.uniform(0.15, 0.7) * body + nucleus, np.float32)


def absorption(cells: Cells, rng: np.random.Generator) -> Floats:
    """Return transmitted light: stained cells are dark, their nuclei darker, debris pale."""
    body = cells.flat * cells.brightness(0.25) * (1 + 0.2 * cells.grain(1.5))
    lobes = np.clip(cells.nucleus * (1 + 0.4 * cells.grain(0.12 * cells.diameter)), 0, 2)
    density = rng.uniform(0.1, 0.9) * body + rng.uniform(0, 1.6) * lobes
    density = density + rng.uniform(0, 0.35) * cells.wall(rng.uniform(0.8, 2)) * cells.inside
    if rng.random() < 0.4:
        density = density * (1 - 0.6 * cells.dark_spots)
    return np.asarray(np.exp(-np.maximum(density, 0)), np.float32)


def solid(cells: Cells, rng: np.random.Generator) -> Floats:
    """Return opaque objects lit from one side, with shadows: grains, seeds, droplets, colonies."""
    height = cells.dome * cells.deepest[cells.ids] * rng.uniform(0.4, 1.0)
    height = gaussian_filter(height, 0.03 * cells.diameter + 0.6)
    height = height + rng.uniform(0, 0.5) * cells.grain(rng.uniform(1, 4)) * cells.inside
    gy, gx = np.gradient(height)
    turn = rng.uniform(0, 2 * np.pi)
    slope = np.cos(turn) * gx + np.sin(turn) * gy
    lit = np.clip((1 + rng.uniform(0.3, 1.5) * slope) / np.sqrt(1 + gx**2 + gy**2), 0, None)
    albedo = cells.brightness(rng.uniform(0.1, 0.5)) * np.exp(0.15 * cells.grain(1.2))
    light = lit * albedo * rng.uniform(0.3, 1.0)
    if rng.random() < 0.3:
        light = light + rng.uniform(0.5, 2) * np.clip(slope - 0.6, 0, 1)  # highlights
    ground = rng.uniform(0.0, 1.2) * np.exp(rng.uniform(0, 0.2) * cells.grain(rng.uniform(1, 8)))
    shift = rng.uniform(0, 0.25) * cells.diameter
    away = (round(-np.sin(turn) * shift), round(-np.cos(turn) * shift))
    rolled = np.roll(cells.inside, away, (0, 1))
    shadow = gaussian_filter(rolled.astype(np.float32), 0.5 + 0.2 * shift)
    ground = ground * (1 - rng.uniform(0, 0.8) * shadow)
    return np.asarray(np.where(cells.inside, light, ground), np.float32)
