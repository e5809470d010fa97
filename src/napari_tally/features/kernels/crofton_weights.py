"""The border length or area of each class of configurations, for voxels of any size.

Counts of configurations times these weights are a perimeter or a surface area. In 2D the weights
are those of Crofton's formula for the four directions of a grid. In 3D the formula with its 13
directions is only a prior: weights are fitted so that planes of all directions measure 1, as in
Lindblad, 2005, "Surface area estimation of digitized 3D objects using weighted local
configurations", https://doi.org/10.1016/j.imavis.2004.06.012, but for voxels of any size.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .cube_configurations import CLASS_OF, CLASSES, MASKS, corners
from .voxel_cubes import BITS, CORNERS

_STEPS = np.array([s for s in product((-1, 0, 1), repeat=3) if s > (0, 0, 0)])
_FLAT = _STEPS[:, 0] == 0
_RIDGE = 1e-3  # determines the weights of classes on no plane; changes others by < 0.2 %
_ON_CORNERS = 0.26  # of `_invisible_to_planes`: makes balls of radius 2 to 5 voxels unbiased


@lru_cache(maxsize=64)
def border_weights(size: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the length or area for each class, shape (CLASSES,).

    Parameters
    ----------
    size : tuple of float
        Of a pixel (Y, X) or a voxel (Z, Y, X).
    """
    scale = float(np.prod(size)) ** (1 / len(size))
    cell = np.array(size) / scale  # of volume 1, so that numbers are alike in all units
    if len(size) == 2:
        out = _crofton(np.array([1, *cell]), np.pi / 2 * _flat_shares(cell))
    else:
        out = _fitted(cell)
    weights: NDArray[np.float64] = out * scale ** (len(size) - 1)
    weights.flags.writeable = False  # the cache hands out the same array
    return weights


def _fitted(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights nearest to the prior for which all planes measure about 1, 1 on average.

    Planes do not determine all weights: cut-off corners may weigh more, and configurations next to
    them less. Small balls determine this.
    """
    normals = _normals()
    counts = _counts_on_planes(normals, cell)
    prior = _crofton(cell, 2 * _shares(normals, cell)) + _ON_CORNERS * _invisible_to_planes()
    square = counts.T @ counts / len(counts) + _RIDGE * np.eye(CLASSES)
    weights = prior + np.linalg.solve(square, counts.T @ (1 - counts @ prior) / len(counts))
    return np.asarray(weights / (counts @ weights).mean())


def _normals(steps: int = 40) -> NDArray[np.float64]:
    """Return unit vectors spread evenly over an octant, symmetric in the three axes."""
    middle = (np.arange(steps) + 0.5) / steps
    height, angle = (a.ravel() for a in np.meshgrid(middle, middle * np.pi / 2))
    radius = np.sqrt(1 - height**2)
    vectors = np.stack([height, radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return np.concatenate([np.roll(vectors, axis, axis=1) for axis in range(3)])


def _counts_on_planes(
    normals: NDArray[np.float64], cell: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the number of cells of each class per unit area of planes, shape (n, CLASSES).

    A plane that moves through a cell meets its corners in the order of their projections on the
    normal; between two of them, the corners behind it are a configuration.
    """
    heights = (normals * cell) @ CORNERS.T
    order = np.argsort(heights, axis=1, kind="stable")
    gaps = np.diff(np.take_along_axis(heights, order, axis=1), axis=1)
    masks = np.cumsum(1 << order, axis=1)[:, :-1]
    counts = np.zeros((len(normals), CLASSES))
    np.add.at(counts, (np.arange(len(normals))[:, None], CLASS_OF[masks]), gaps)
    return counts


def _invisible_to_planes() -> NDArray[np.float64]:
    """Return the change of weights that no plane shows.

    On any plane there are as many cells with a corner cut off, as there are with a corner and two
    of its neighbours cut off and twice those with a corner and all three.
    """
    out = np.zeros(CLASSES)
    for i, mask in enumerate(MASKS):
        held = corners(mask)
        steps = np.abs(held[:, None] - held).sum(axis=(1, 2)).min()
        if steps == len(held) - 1:  # a corner with some of its neighbours
            out[i] = {1: 1, 2: 0, 3: -1, 4: -2}[len(held)]
    return out


def _crofton(cell: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights from the number of times that lines of the grid cross the border.

    Crofton's formula: see Ohser & Mücklich, 2000, "Statistical Analysis of Microstructures in
    Materials Science", and, for the numbers in 2D, Rivollier, 2010,
    https://tel.archives-ouvertes.fr/tel-00560838.

    Parameters
    ----------
    cell : ndarray of float, shape (3,)
        Size of a voxel, of volume 1.
    shares : ndarray of float, shape (13,)
        Weight of each direction: its share of the half-sphere times 2, or of the half-circle
        times π / 2.
    """
    return np.asarray(_crossings() @ (shares / np.linalg.norm(_STEPS * cell, axis=1)))


def _crossings() -> NDArray[np.float64]:
    """Return how often lines of each direction cross the border in a cell of each class.

    Lines along an axis are shared by four cells, those along the diagonal of a face by two.
    """
    out = np.zeros((CLASSES, len(_STEPS)))
    for k, step in enumerate(_STEPS):
        shared = 8 >> int(np.abs(step).sum())
        starts = [i for i in range(8) if _inside(CORNERS[i] + step)]
        ends = [int((CORNERS[i] + step) @ BITS) for i in starts]
        for i, mask in enumerate(MASKS):
            crossed = sum((mask >> a ^ mask >> b) & 1 for a, b in zip(starts, ends, strict=True))
            out[i, k] = crossed / shared
    return out


def _inside(corner: NDArray[np.int64]) -> bool:
    return bool(((corner == 0) | (corner == 1)).all())


def _shares(normals: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of all directions nearest to each of the 13, shape (13,)."""
    kinds, kind, count = np.unique(np.abs(_STEPS), axis=0, return_inverse=True, return_counts=True)
    vectors = kinds * cell
    near = normals @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    share = np.bincount(near.argmax(axis=1), minlength=len(kinds)) / len(normals)
    return np.asarray((share / count)[kind])


def _flat_shares(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the half-circle nearest to each direction in a plane, else 0."""
    y, x = (_STEPS[_FLAT, 1:] * cell).T
    angle = np.arctan2(y, x) % np.pi
    order = np.argsort(angle)
    round_ = np.concatenate([angle[order[-1:]] - np.pi, angle[order], angle[order[:1]] + np.pi])
    out = np.zeros(len(_STEPS))
    out[np.flatnonzero(_FLAT)[order]] = (round_[2:] - round_[:-2]) / (2 * np.pi)
    return out
