"""Placement of ellipsoids in a field, touching or apart, without overlap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from ..core.connected_components import components

Floats = NDArray[np.float32]
Point = NDArray[np.float64]
Labels = NDArray[np.unsignedinteger[Any]]

_GAP = 1.25  # radii that stay free around a body that touches none
_PRESS = 0.95  # distance of touching centres, relative to that at which outlines meet
_MAX_SHARED = 0.08  # of a new body's voxels, shared with its neighbours
_BUMPS, _BUMP = 4, 0.04  # waves that make an outline uneven, and their height in radii


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with an uneven outline, around its centre.

    Attributes
    ----------
    inward : ndarray, shape (ndim, ndim)
        Maps an offset from the centre, in µm, to one in radii.
    waves, phases : ndarray, shapes (k, ndim) and (k,)
        The plane waves over the unit sphere that bump the outline.
    """

    inward: Point
    waves: Point
    phases: Point

    @classmethod
    def random(
        cls, diameter_um: float, ndim: int, elongation: float, rng: np.random.Generator
    ) -> Ellipsoid:
        """Return an ellipsoid as large as a ball of `diameter_um`, in a random orientation.

        Its longest axis is `elongation` times the shortest on average.
        """
        ratio = 1 + (elongation - 1) * rng.uniform(0, 2)
        logs = np.array([0.5, -0.5, *rng.uniform(-0.5, 0.5, ndim - 2)])
        radii = diameter_um / 2 * ratio ** (logs - logs.mean())  # their product is the ball's
        rotation = np.linalg.qr(rng.standard_normal((ndim, ndim)))[0]
        waves = 2.0 * rng.standard_normal((_BUMPS, ndim))
        return cls(rotation / radii[:, None], waves, rng.uniform(0, 2 * np.pi, _BUMPS))

    def depth(self, offsets_um: NDArray[np.floating[Any]]) -> Floats:
        """Return 0 at the centre, 1 at the outline, then more; offsets have shape (ndim, ...)."""
        inner = np.tensordot(self.inward, offsets_um, 1)
        radius = np.sqrt((inner**2).sum(0))
        around = inner / np.maximum(radius, 1e-6)
        phases = self.phases.reshape(-1, *[1] * (inner.ndim - 1))
        bumps = np.sin(np.tensordot(self.waves, around, 1) + phases).sum(0)
        return np.asarray(radius / (1 + _BUMP * bumps), np.float32)

    def reach_um(self, direction: Point) -> float:
        """Return the distance from the centre to the outline along a unit direction."""
        return 1 / float(self.depth(direction))

    def extent_um(self) -> Point:
        """Return the maximum extent of the body along each axis, from its centre."""
        outward = np.linalg.inv(self.inward)
        return np.asarray(np.linalg.norm(outward, axis=1) * (1 + _BUMP * _BUMPS))


@dataclass
class Placement:
    """Placed bodies, and the owner and depth of each voxel."""

    spacing: Point
    labels: NDArray[np.int32]
    depth: Floats
    placed: list[tuple[Ellipsoid, Point]] = field(default_factory=list)

    @classmethod
    def empty(cls, shape: tuple[int, ...], spacing_um: tuple[float, ...]) -> Placement:
        """Return an empty field of `shape`."""
        return cls(np.array(spacing_um), np.zeros(shape, np.int32), np.ones(shape, np.float32))

    def add(self, body: Ellipsoid, beside: bool, rng: np.random.Generator) -> bool:
        """Try one random position, against another body or apart from all; return success."""
        centre = self._beside(body, rng) if beside else self._anywhere(rng)
        if not self._is_free(centre):
            return False
        box = self._box(body, centre)
        depth = body.depth(self._offsets(box, centre))
        if not _fits(depth, self.labels[box] > 0, beside):
            return False
        self.placed.append((body, centre))
        deeper = depth < self.depth[box]
        self.labels[box][deeper] = len(self.placed)
        self.depth[box][deeper] = depth[deeper]
        return True

    def _anywhere(self, rng: np.random.Generator) -> Point:
        return np.asarray((rng.random(self.labels.ndim) * self.labels.shape - 0.5) * self.spacing)

    def _beside(self, body: Ellipsoid, rng: np.random.Generator) -> Point:
        other, centre = self.placed[int(rng.integers(len(self.placed)))]
        direction = rng.standard_normal(len(centre))
        direction /= np.linalg.norm(direction)
        apart = other.reach_um(direction) + body.reach_um(-direction)
        return centre + direction * _PRESS * apart

    def _is_free(self, centre: Point) -> bool:
        index = np.rint(centre / self.spacing).astype(int)
        inside = (index >= 0).all() and (index < self.labels.shape).all()
        return bool(inside) and not self.labels[tuple(index)]

    def _box(self, body: Ellipsoid, centre: Point) -> tuple[slice, ...]:
        half = body.extent_um() * _GAP
        start = np.maximum(np.floor((centre - half) / self.spacing), 1).astype(int) - 1
        stop = np.minimum(np.ceil((centre + half) / self.spacing) + 2, self.labels.shape)
        return tuple(slice(a, b) for a, b in zip(start, stop.astype(int), strict=True))

    def _offsets(self, box: tuple[slice, ...], centre: Point) -> Point:
        """Return the offsets of a box's voxels from `centre`, in µm, shape (ndim, *box)."""
        grid = np.stack(np.meshgrid(*[np.arange(b.start, b.stop) for b in box], indexing="ij"))
        column = (slice(None), *[None] * len(box))
        return np.asarray(grid * self.spacing[column] - centre[column])


def ground_truth(labels: NDArray[np.int32]) -> Labels:
    """Return bodies with consecutive ids from 1, each one connected component."""
    return _consecutive(_whole(labels))


def _fits(depth: Floats, taken: NDArray[np.bool_], beside: bool) -> bool:
    """Return whether a body fits: it shares a few voxels with others, or keeps a gap."""
    inside = depth < 1
    if beside:
        return bool(0 < (inside & taken).sum() <= max(1, _MAX_SHARED * inside.sum()))
    near = (depth < _GAP) | maximum_filter(inside, 3)  # where voxels are coarse, one of them
    return bool(inside.any() and not (taken & near).any())


def _whole(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the largest connected component of each body."""
    parts = components(labels)
    owner = np.zeros(int(parts.max()) + 1, np.int64)
    owner[parts.ravel()] = labels.ravel()
    largest = np.zeros(int(labels.max()) + 1, np.int64)
    order = np.argsort(np.bincount(parts.ravel()), kind="stable")
    largest[owner[order]] = order  # the last to be written is the largest
    return np.where(parts == largest[labels], labels, 0)


def _consecutive(labels: NDArray[np.int32]) -> Labels:
    """Return the labels numbered from 1, in the smallest type that holds them."""
    present = np.bincount(labels.ravel()) > 0
    present[0] = False
    ids = np.where(present, np.cumsum(present), 0)
    numbered: Labels = ids.astype("u2" if ids.max() <= np.iinfo(np.uint16).max else "u4")[labels]
    return numbered
