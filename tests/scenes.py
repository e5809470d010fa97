"""Random label images of touching objects."""

from __future__ import annotations

import cc3d
import numpy as np
from hypothesis import strategies as st
from scipy.ndimage import binary_opening

SHAPES = st.sampled_from([(24, 31), (40, 40), (7, 18, 20), (1, 20, 20), (12, 12, 12), (1, 30)])


@st.composite
def touching(draw: st.DrawFn, shapes: st.SearchStrategy = SHAPES) -> np.ndarray:
    """Return Voronoi cells of random points, cut off at a random radius: most of them touch."""
    shape = draw(shapes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 40))
    reach = draw(st.floats(1, 12))
    points = np.stack([rng.uniform(0, n, count) for n in shape], 1)
    stretch = rng.uniform(0.5, 2, len(shape))
    grid = np.stack(np.indices(shape), -1)
    if count == 0:
        return np.zeros(shape, np.uint16)
    away = ((grid[..., None, :] - points) * stretch) ** 2
    away = away.sum(-1)
    labels = np.where(away.min(-1) <= reach**2, away.argmin(-1) + 1, 0)
    return _pieces(labels)


@st.composite
def solid(draw: st.DrawFn) -> np.ndarray:
    """Return touching objects without a part thinner than 3 voxels (the domain of `boundary`)."""
    labels = draw(touching(st.sampled_from([(40, 40), (64, 50), (14, 20, 20)])))
    box = np.ones((3,) * labels.ndim, bool)
    out = np.zeros_like(labels)
    for i in np.unique(labels[labels > 0]):
        out[binary_opening(labels == i, box)] = i
    return _pieces(out)


@st.composite
def bent(draw: st.DrawFn) -> np.ndarray:
    """Return arcs (rods, C shapes, rings with a gap), one in another too; cut off at the border."""
    shape = draw(st.sampled_from([(48, 48), (64, 40), (7, 32, 32), (16, 24, 24)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return arcs(shape, draw(st.integers(1, 12)), (2, 12), draw(st.floats(1.5, 6)), rng)


def arcs(
    shape: tuple[int, ...],
    count: int,
    radii: tuple[float, float],
    width: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return parts of rings in random places, in the plane YX; later ones lie behind others."""
    labels = np.zeros(shape, np.uint16)
    grid = np.indices(shape).astype(float)
    for number in range(1, count + 1):
        away = [g - rng.uniform(0, n) for g, n in zip(grid, shape, strict=True)]
        radius, start, span = rng.uniform(*radii), rng.uniform(0, 7), rng.uniform(1, 5.5)
        along = (np.arctan2(away[-2], away[-1]) - start) % (2 * np.pi)
        across = np.hypot(away[-2], away[-1]) - radius
        deep = away[0] if len(shape) == 3 else 0
        labels[(labels == 0) & (along < span) & (np.hypot(across, deep) < width / 2)] = number
    return _pieces(labels)


def _pieces(labels: np.ndarray) -> np.ndarray:
    full = 8 if labels.ndim == 2 else 26
    return cc3d.connected_components(labels.astype(np.uint16), connectivity=full).astype(np.uint16)


def same_objects(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two label images are the same up to their ids."""
    if not np.array_equal(one > 0, other > 0):
        return False
    pairs = np.unique(np.stack([one[one > 0], other[one > 0]]).astype(np.int64), axis=1)
    return all(len(np.unique(ids)) == pairs.shape[1] for ids in pairs)
