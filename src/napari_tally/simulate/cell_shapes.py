"""Shapes of cells: outlines by angle, bent rods and spindles, chains, pairs, branched cells."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal[
    "blob", "superellipse", "rod", "spindle", "chain", "pair", "dividing", "branched", "holed"
]
Parts = NDArray[np.uint8]  # one shape in its box: ids of its cells from 1, 0 outside
Points = NDArray[Any]

_WAVES = np.arange(2, 7)  # of a Fourier outline
_STRETCH = 1.8  # of spindles, beyond the drawn elongation
_FOOT = 0.6  # px: radius of the ends of spindles and branches


def draw_shape(
    kind: Kind, diameter: float, elongation: float, roughness: float, rng: np.random.Generator
) -> Parts:
    """Return a random shape of a kind in its box.

    Parameters
    ----------
    diameter : float
        In px, of the disc of the same area (of one cell in a chain or pair).
    elongation : float
        Typical ratio of length to width.
    roughness : float
        Height of the bumps of an outline, in radii.
    """
    if kind in ("rod", "spindle"):
        return _bent(diameter, elongation, rng, tapered=kind == "spindle")
    if kind == "chain":
        return _chain(diameter, elongation, rng)
    if kind in ("pair", "dividing"):
        return _pair(diameter, rng, even=kind == "dividing")
    if kind == "branched":
        return _branched(diameter, roughness, rng)
    return _outlined(kind, diameter, elongation, roughness, rng)


def _outlined(
    kind: Kind, diameter: float, elongation: float, roughness: float, rng: np.random.Generator
) -> Parts:
    """Return a blob (Fourier outline), a superellipse, or a blob with a hole."""
    ratio = np.exp(abs(rng.normal(0, np.log(max(elongation, 1.02)))))
    ratio = min(ratio, 2.5 * elongation)
    reach = 0.5 * diameter * np.sqrt(ratio) * 1.5
    y, x = _grid(reach)
    turn = rng.uniform(0, np.pi)
    along = (np.cos(turn) * x + np.sin(turn) * y) / np.sqrt(ratio)
    across = (np.cos(turn) * y - np.sin(turn) * x) * np.sqrt(ratio)
    if kind == "superellipse":
        power = np.exp(rng.uniform(np.log(1.4), np.log(6)))
        radius = (abs(along) ** power + abs(across) ** power) ** (1 / power)
        return _trimmed(radius < 0.5 * diameter * (0.89 + 0.11 * min(1, 2 / power)))
    angle = np.arctan2(across, along)
    bumps = _bumps(angle, roughness, rng)
    radius = np.hypot(along, across) / (0.5 * diameter)
    inside = radius < bumps
    if kind == "holed":
        dy, dx = rng.normal(0, 0.12, 2) * diameter
        inside &= np.hypot(along - dx, across - dy) > rng.uniform(0.12, 0.28) * diameter
    return _trimmed(inside)


def _bumps(angle: Points, roughness: float, rng: np.random.Generator) -> Points:
    """Return the radius of a Fourier outline at each angle; its mean square is 1."""
    height = rng.normal(0, roughness, len(_WAVES)) * 2 / _WAVES
    phase = rng.uniform(0, 2 * np.pi, len(_WAVES))
    bumps = np.ones_like(angle)
    for wave, a, p in zip(_WAVES, height, phase, strict=True):
        bumps += a * np.cos(wave * angle + p)
    bumps = np.maximum(bumps, 0.3)
    return np.asarray(bumps / np.sqrt(1 + (height**2).sum() / 2))


def _bent(diameter: float, elongation: float, rng: np.random.Generator, *, tapered: bool) -> Parts:
    """Return a bent rod, or a spindle with thin ends."""
    ratio = elongation * rng.lognormal(0, 0.25) * (_STRETCH if tapered else 1)
    width = max(diameter * np.sqrt(np.pi / (4 * max(ratio, 1.05))), 2.0)
    length = max(width * ratio - width, 1.0)
    line = _walk(length, rng.normal(0, 0.5), 0.15, rng)
    at = np.linspace(-1, 1, len(line))
    radius = np.full(len(line), width / 2)
    if tapered:
        middle = rng.uniform(-0.3, 0.3)
        radius = width * 0.8 * np.exp(-2.5 * np.abs(at - middle) ** rng.uniform(1.2, 2.2))
        radius = np.maximum(radius, _FOOT)
    return _trimmed(_swept([line], [radius]))


def _chain(diameter: float, elongation: float, rng: np.random.Generator) -> Parts:
    """Return cells in a row, each its own."""
    count = int(rng.integers(2, 7))
    ratio = min(elongation, 3.0)
    width = diameter / np.sqrt(ratio)
    heading, place, cells = 0.0, np.zeros(2), []
    for _ in range(count):
        heading += rng.normal(0, 0.35)
        length = max(width * (ratio - 1) * rng.uniform(0.7, 1.3), 0.1)
        step = np.array([np.sin(heading), np.cos(heading)])
        cells.append((np.stack([place, place + step * length]), width / 2 * rng.uniform(0.9, 1.1)))
        place = place + step * (length + width * rng.uniform(0.85, 1.0))
    return _several(cells, rng)


def _pair(diameter: float, rng: np.random.Generator, *, even: bool) -> Parts:
    """Return a mother with its bud, or two halves of a dividing cell."""
    large = diameter / 2
    small = large * (rng.uniform(0.9, 1.05) if even else rng.uniform(0.35, 0.85))
    apart = large + small * (rng.uniform(0.5, 0.9) if even else rng.uniform(0.6, 0.95))
    first, second = np.zeros((1, 2)), np.array([[0.0, apart]])
    stretch = large * rng.uniform(0, 0.5)
    first = np.concatenate([first - [0, stretch], first])
    return _several([(first, large), (second, small)], rng)


def _several(cells: list[tuple[Points, float]], rng: np.random.Generator) -> Parts:
    """Return touching cells, each of the points nearest to it in its own radii."""
    turn = rng.uniform(0, 2 * np.pi)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.concatenate([line for line, _ in cells]).mean(0)
    lines = [((line - middle) @ matrix, radius) for line, radius in cells]
    reach = max(float(np.abs(line).max()) + radius for line, radius in lines)
    y, x = _grid(reach)
    depth = np.stack([_to_line(line, y, x) / radius for line, radius in lines])
    nearest = depth.argmin(0)
    return _cut(np.where(depth.min(0) < 1, nearest + 1, 0).astype(np.uint8))


def _branched(diameter: float, roughness: float, rng: np.random.Generator) -> Parts:
    """Return a cell body with branches that taper and fork."""
    body = diameter * rng.uniform(0.45, 0.75)
    lines, radii = [np.zeros((1, 2))], [np.array([body / 2])]
    count = int(rng.integers(2, 8))
    for heading in rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count:
        start, wide = np.zeros(2), body * rng.uniform(0.15, 0.35)
        for _ in range(1 + int(rng.random() < 0.4)):
            length = diameter * rng.uniform(0.3, 1.3)
            line = start + _walk(length, heading + rng.normal(0, 0.3), 0.4, rng, straight=False)
            lines.append(line)
            radii.append(np.maximum(np.linspace(wide, _FOOT, len(line)), _FOOT))
            fork = int(rng.integers(len(line)))
            start, wide, heading = line[fork], wide * 0.6, heading + rng.choice([-1, 1]) * 0.8
    covered = _swept(lines, radii)
    half = covered.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    near = (np.abs(y) < body) & (np.abs(x) < body)
    around = _bumps(np.arctan2(y[near], x[near]), roughness + 0.1, rng)
    covered[near] |= np.hypot(y[near], x[near]) < around * body / 2
    return _trimmed(covered)


def _walk(
    length: float, heading: float, wander: float, rng: np.random.Generator, *, straight: bool = True
) -> Points:
    """Return points along a line that turns a little at each step, from 0 (or around it)."""
    steps = max(3, min(14, round(length / 4)))
    bend = rng.normal(0, wander) / steps * 2 if straight else 0.0
    turns = heading + np.cumsum(rng.normal(bend, wander / np.sqrt(steps), steps))
    points = np.cumsum(np.stack([np.sin(turns), np.cos(turns)], 1), 0) * length / steps
    points = np.concatenate([np.zeros((1, 2)), points])
    return points - points.mean(0) if straight else points


def _swept(lines: list[Points], radii: list[Points]) -> NDArray[np.bool_]:
    """Return what discs cover that move along lines, in its box, whose middle is 0."""
    reach = max(float(np.abs(line).max() + r.max()) for line, r in zip(lines, radii, strict=True))
    half = int(np.ceil(reach)) + 1
    covered = np.zeros((2 * half + 1, 2 * half + 1), bool)
    for line, radius in zip(lines, radii, strict=True):
        points, sizes = _dense(line, radius)
        middles = np.rint(points).astype(int)
        for (y, x), (dy, dx), r in zip(
            middles.tolist(), (points - middles).tolist(), sizes.tolist(), strict=True
        ):
            size = min(int(r) + 1, half)
            top, left = max(y + half - size, 0), max(x + half - size, 0)
            part = covered[top : y + half + size + 1, left : x + half + size + 1]
            around = np.arange(-size, size + 1)
            rows = (around[: part.shape[0]] - dy) ** 2
            columns = (around[: part.shape[1]] - dx) ** 2
            part |= rows[:, None] + columns < r * r
    return covered


def _dense(line: Points, radius: Points) -> tuple[Points, Points]:
    """Return points and radii along a line at steps of a third of the radius."""
    if len(line) == 1:
        return line, radius
    length = np.append(0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    at = np.arange(0, length[-1] + 1e-6, max(0.8, 0.35 * float(np.median(radius))))
    points = np.stack([np.interp(at, length, column) for column in line.T], 1)
    return points, np.interp(at, length, radius)


def _to_line(line: Points, y: Points, x: Points) -> Points:
    """Return the distance to a point or a segment."""
    return _to_segment(line[0], line[-1], y, x)


def _to_segment(start: Points, stop: Points, y: Points, x: Points) -> Points:
    dy, dx = (stop - start).astype(np.float32)
    square = max(dy * dy + dx * dx, np.float32(1e-9))
    at = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / square, 0, 1)
    return np.asarray(np.hypot(y - start[0] - at * dy, x - start[1] - at * dx))


def _grid(reach: float) -> tuple[Points, Points]:
    """Return the coordinates of a box around 0."""
    half = int(np.ceil(reach)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    return y, x


def _trimmed(inside: NDArray[np.bool_]) -> Parts:
    return _cut(inside.astype(np.uint8))


def _cut(parts: NDArray[Any]) -> Parts:
    """Return the box of what is not 0; at least one pixel."""
    rows, columns = np.flatnonzero(parts.any(1)), np.flatnonzero(parts.any(0))
    if not len(rows):
        return np.ones((1, 1), np.uint8)
    return np.asarray(parts[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.uint8)
