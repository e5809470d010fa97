"""Where the cells of a field are: apart, in clusters, confluent, or an epithelium."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import distance_transform_edt, uniform_filter
from scipy.spatial import cKDTree

from ..core.options import Options
from .cell_shapes import Kind, Parts, draw_shape
from .clutter import warped

Ids = NDArray[np.int32]

_TRIES = 12  # places tried for a shape
_FULL = 10  # shapes in a row without a place: then the field is full
_SMALLEST = 6.0  # px


class Scattered(Options):
    """Cells one by one or in clusters.

    Attributes
    ----------
    kinds : tuple of str
        The shapes, each equally likely.
    diameter, spread : float
        Typical diameter of a cell in px, and the standard deviation of its logarithm.
    elongation, roughness : float
        See `draw_shape`.
    coverage : float
        Wanted share of the field that cells cover.
    clustered : float
        Share of the cells placed against an earlier one.
    overlap : float
        Largest share of a cell that may be on top of others.
    gap : float
        Smallest distance of cells that are not placed against others, in diameters.
    grown : float
        Afterwards cells grow into free space by this many diameters, until they touch.
    """

    name: Literal["scattered"] = "scattered"
    kinds: tuple[Kind, ...] = ("blob",)
    diameter: float = Field(30.0, ge=4, le=400)
    spread: float = Field(0.2, ge=0, le=1)
    elongation: float = Field(1.3, ge=1, le=12)
    roughness: float = Field(0.08, ge=0, le=0.6)
    coverage: float = Field(0.3, ge=0, le=1)
    clustered: float = Field(0.5, ge=0, le=1)
    overlap: float = Field(0.1, ge=0, le=0.6)
    gap: float = Field(0.1, ge=0, le=2)
    grown: float = Field(0.0, ge=0, le=2)

    def draw(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Ids, Ids]:
        """Return the id of each pixel's uppermost cell, and the number of cells there."""
        ids, layers = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        count, failed = 0, 0
        wanted = self.coverage * ids.size
        centers: list[tuple[float, float]] = []
        while failed < _FULL and np.count_nonzero(ids) < wanted:
            parts = self._one(rng)
            beside = bool(centers) and rng.random() < self.clustered
            placed = self._placed(parts, ids, centers if beside else [], rng)
            failed = 0 if placed else failed + 1
            if placed is None:
                continue
            own, seen = _clipped(parts, placed, shape)
            cells = own > 0
            ids[seen][cells] = own[cells].astype(np.int32) + count
            layers[seen][cells] += 1
            count += int(parts.max())
            centers.append((placed[0] + parts.shape[0] / 2, placed[1] + parts.shape[1] / 2))
        if self.grown and count:
            ids = _grown(ids, self.grown * self.diameter)
        return ids, np.maximum(layers, ids > 0).astype(np.int32)

    def _one(self, rng: np.random.Generator) -> Parts:
        diameter = max(self.diameter * rng.lognormal(0, self.spread), _SMALLEST)
        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        return draw_shape(kind, diameter, self.elongation, self.roughness, rng)

    def _placed(
        self,
        parts: Parts,
        ids: Ids,
        centers: list[tuple[float, float]],
        rng: np.random.Generator,
    ) -> tuple[int, int] | None:
        """Return a free place of a shape's box, near one of `centers` if there are any."""
        height, width = parts.shape
        margin = 0 if centers else round(self.gap * self.diameter)
        for _ in range(_TRIES):
            if centers:
                y, x = centers[int(rng.integers(len(centers)))]
                angle, apart = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.3) * self.diameter
                at = (y + apart * np.sin(angle), x + apart * np.cos(angle))
            else:
                at = (rng.uniform(0, ids.shape[0]), rng.uniform(0, ids.shape[1]))
            place = (round(at[0] - height / 2), round(at[1] - width / 2))
            own, seen = _clipped(parts, place, ids.shape)
            if not own.any():
                continue
            if margin:
                around = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in seen)
                if ids[around].any():
                    continue
            inside = own > 0
            if np.count_nonzero(ids[seen][inside]) <= self.overlap * np.count_nonzero(inside):
                return place
        return None


class Epithelium(Options):
    """A confluent layer: Voronoi cells with curved walls, and holes without cells.

    Attributes
    ----------
    diameter : float
        Typical diameter of a cell in px.
    regular : float
        0 for random centres, 1 for a hexagonal lattice.
    stretch : float
        Ratio of length to width, in one direction for the whole field.
    bend : float
        Curvature of the walls: standard deviation of their displacement, in diameters.
    missing : float
        Share of the cells that are missing.
    wall : float
        Width in px of the background between cells.
    """

    name: Literal["epithelium"] = "epithelium"
    diameter: float = Field(30.0, ge=4, le=400)
    regular: float = Field(0.6, ge=0, le=1)
    stretch: float = Field(1.2, ge=1, le=8)
    bend: float = Field(0.05, ge=0, le=0.5)
    missing: float = Field(0.05, ge=0, le=1)
    wall: float = Field(0.0, ge=0, le=20)

    def draw(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Ids, Ids]:
        """Return the id of each pixel's cell, and the number of cells there (0 or 1)."""
        reach = np.hypot(*shape) / 2 + 2 * self.diameter
        points = self._lattice(reach * np.sqrt(self.stretch), rng)
        turn = rng.uniform(0, np.pi)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        y, x = y - shape[0] / 2, x - shape[1] / 2
        along = (np.cos(turn) * x + np.sin(turn) * y) / np.sqrt(self.stretch)
        across = (np.cos(turn) * y - np.sin(turn) * x) * np.sqrt(self.stretch)
        places = np.stack([across.ravel(), along.ravel()], 1)
        near, nearest = cKDTree(points).query(places, k=2)
        ids = (nearest[:, 0] + 1).reshape(shape).astype(np.int32)
        if self.wall:
            ids[((near[:, 1] - near[:, 0]) < self.wall).reshape(shape)] = 0
        keep = np.append(False, rng.random(len(points)) >= self.missing)
        ids = np.where(keep[ids], ids, 0).astype(np.int32)
        if self.bend:
            (ids,) = warped([ids], self.bend, np.full(2, self.diameter), rng)
        return ids, (ids > 0).astype(np.int32)

    def _lattice(self, reach: float, rng: np.random.Generator) -> NDArray[np.float64]:
        step = self.diameter * 1.0
        rows = np.arange(-reach, reach, step * 0.93)
        columns = np.arange(-reach, reach, step)
        y, x = np.meshgrid(rows, columns, indexing="ij")
        x = x + (np.arange(len(rows)) % 2)[:, None] * step / 2
        points = np.stack([y.ravel(), x.ravel()], 1)
        return np.asarray(points + rng.normal(0, 0.5 * step * (1 - self.regular), points.shape))


Layout = Annotated[Scattered | Epithelium, Field(discriminator="name")]


def _clipped(
    parts: Parts, place: tuple[int, int], shape: tuple[int, ...]
) -> tuple[Parts, tuple[slice, slice]]:
    """Return what is in the field of a box at a place, and where."""
    starts = [max(0, p) for p in place]
    stops = [min(n, p + m) for n, p, m in zip(shape, place, parts.shape, strict=True)]
    inner = tuple(slice(a - p, max(a, b) - p) for a, b, p in zip(starts, stops, place, strict=True))
    outer = tuple(slice(a, max(a, b)) for a, b in zip(starts, stops, strict=True))
    return parts[inner], (outer[0], outer[1])


def _grown(ids: Ids, most: float) -> Ids:
    """Return cells grown into free space, up to `most` px."""
    away, nearest = distance_transform_edt(ids == 0, return_indices=True)
    rough = uniform_filter(np.asarray(away, np.float32), 3)
    grown: Ids = np.where(rough <= most, ids[tuple(nearest)], 0).astype(np.int32)
    return grown
