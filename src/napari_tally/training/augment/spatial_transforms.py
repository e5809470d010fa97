"""Random spatial transforms of a patch: MONAI's, in a fraction of the time.

`resample` moves a patch by a random affine transform and, with `control_points` or `smooth_noise`,
a random displacement. What MONAI interpolates or convolves along each axis is a product with a
matrix here, made once for patches of one shape; images are sampled in float32, and mirrored at
their borders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .chain import IMAGE, LABELS, Patch

Grid = NDArray[np.float32]  # homogeneous coordinates from the middle, shape (ndim + 1, *shape)
Displacement = Callable[[RandomState, tuple[int, ...]], Grid]
_MODES = {IMAGE: "bilinear", LABELS: "nearest"}


def crop(patch: Patch, random: RandomState, shape: Sequence[int]) -> None:
    """Crop at random, with mirrored borders where the image is smaller."""
    import torch

    size = patch[IMAGE].shape[1:]
    lacking = [max(0, p - n) for n, p in zip(size, shape, strict=True)]
    if any(lacking):
        around = [(0, 0), *((n // 2, n - n // 2) for n in lacking)]
        for key in (IMAGE, LABELS):
            padded = np.pad(patch[key].numpy(), around, "symmetric")
            patch[key] = torch.from_numpy(padded)
    starts = [random.randint(max(0, n - p) + 1) for n, p in zip(size, shape, strict=True)]
    window = [slice(start, start + p) for start, p in zip(starts, shape, strict=True)]
    patch.update({key: patch[key][(slice(None), *window)] for key in (IMAGE, LABELS)})


def rotate_90(patch: Patch, random: RandomState) -> None:
    """Rotate by a multiple of 90 degrees in the plane of the last two axes: `RandRotate90d`."""
    import torch

    times = random.randint(4)
    patch.update({key: torch.rot90(patch[key], times, (-2, -1)) for key in (IMAGE, LABELS)})


def flip(patch: Patch, random: RandomState, axes: Sequence[int]) -> None:
    """Flip each axis or not: MONAI's `RandFlipd`, for all axes at once."""
    flipped = [axis + 1 for axis in axes if random.rand() < 0.5]
    if flipped:
        patch.update({key: patch[key].flip(flipped) for key in (IMAGE, LABELS)})


@dataclass(frozen=True)
class Affine:
    """A random affine transform: MONAI's `RandAffined`.

    Attributes
    ----------
    angle : float
        Largest rotation about each axis, radians.
    shift : tuple of float
        Largest shift along each axis, px.
    scale : (float, float)
        Range of the length of the sampled window: 2 shows objects half as large.
    shear : float
        Largest shear, 0 for none.
    """

    angle: float
    shift: tuple[float, ...]
    scale: tuple[float, float]
    shear: float = 0.0

    def draw(self, random: RandomState, shape: Sequence[int]) -> NDArray[np.float32]:
        """Return a random matrix, shape (ndim, ndim + 1).

        It leads from voxels of the patch, counted from its middle, to coordinates in an image of
        this shape as PyTorch counts them: the last axis first, from -1 to 1.
        """
        from monai.transforms.utils import create_rotate, create_shear

        ndim = len(shape)
        angles = [random.uniform(-self.angle, self.angle) for _ in range(1 if ndim == 2 else 3)]
        linear = create_rotate(ndim, angles)[:-1, :-1]
        if self.shear:
            shears = [random.uniform(-self.shear, self.shear) for _ in shape]
            linear = linear @ create_shear(ndim, shears)[:-1, :-1]
        shift = [random.uniform(-most, most) for most in self.shift]
        scale = [random.uniform(*self.scale) for _ in shape]
        matrix = np.column_stack([linear * scale, linear @ shift])
        matrix *= (2 / np.maximum(shape, 2))[:, None]
        return matrix[::-1].astype(np.float32)


def undisplaced(random: RandomState, shape: tuple[int, ...]) -> Grid:
    """Return the coordinates of the voxels of a patch."""
    return _coordinates(shape)


def control_points(
    random: RandomState, shape: tuple[int, ...], *, spacing: float, most: float
) -> Grid:
    """Displace control points at random, and interpolate in between: MONAI's `Rand2DElasticd`.

    Parameters
    ----------
    spacing : float
        Pixels between control points.
    most : float
        Largest standard deviation of their displacement, px.
    """
    points = _control_grid(shape, spacing).copy()
    offset = random.normal(size=(2, *points.shape[1:])).astype(np.float32)
    points[:2] += random.uniform(0, most) * offset
    rows, columns = (
        _interpolation(n, spacing, size) for n, size in zip(points.shape[1:], shape, strict=True)
    )
    return np.asarray(rows @ points @ columns.T, np.float32)


def smooth_noise(random: RandomState, shape: tuple[int, ...], *, sigma: float, most: float) -> Grid:
    """Displace voxels by smoothed noise: MONAI's `Rand3DElasticd`.

    Parameters
    ----------
    sigma : float
        Of the Gaussian that smooths the noise, px.
    most : float
        Largest factor of the smoothed noise, which is uniform from -1 to 1 before.
    """
    import torch

    grid = _coordinates(shape).copy()
    offset = random.uniform(-1.0, 1.0, (3, *shape)).astype(np.float32)
    factor = random.uniform(0, most)
    planes, rows, columns = (_smoothing(size, sigma) for size in shape)
    noise = rows @ torch.from_numpy(offset) @ columns
    noise = (planes @ noise.flatten(2)).view(noise.shape)
    grid[:3] += factor * noise.numpy()
    return grid


def resample(
    patch: Patch,
    random: RandomState,
    shape: tuple[int, ...],
    affine: Affine,
    displacement: Displacement = undisplaced,
) -> None:
    """Sample a patch of a shape at coordinates that are displaced and transformed at random."""
    import torch
    from torch.nn import functional as F

    grid = displacement(random, shape)
    parts = math.gcd(shape[0], torch.get_num_threads())  # PyTorch shares out whole images only
    points = affine.draw(random, patch[IMAGE].shape[1:]) @ grid.reshape(len(grid), -1)
    points = mirrored(points).T.reshape(parts, -1, *shape[1:], len(shape), copy=False)
    at = torch.from_numpy(points)
    for key, mode in _MODES.items():
        image = patch[key].float().expand(parts, *patch[key].shape)
        found = F.grid_sample(image, at, mode, "border", align_corners=False)
        patch[key] = found.transpose(0, 1).reshape(len(patch[key]), *shape)


def mirrored(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return points, as PyTorch counts them, mirrored into the image, from -1 to 1.

    `padding_mode="reflection"` does it voxel by voxel, and takes longer than the sampling.
    """
    most = np.abs(points).max()
    if most > 3:  # beyond the first mirror image
        points = np.remainder(points + 1, 4) - 1
    return np.maximum(np.minimum(points, 2 - points), -2 - points) if most > 1 else points


@lru_cache(maxsize=8)
def _coordinates(shape: tuple[int, ...]) -> Grid:
    from monai.transforms.utils import create_grid

    grid: Grid = create_grid(shape, dtype=np.float32)
    return grid


@lru_cache(maxsize=8)
def _control_grid(shape: tuple[int, ...], spacing: float) -> Grid:
    from monai.transforms.utils import create_control_grid

    even = (spacing,) * len(shape)
    points: Grid = create_control_grid(shape, even, dtype=np.float32, backend="numpy")
    return points


@lru_cache(maxsize=16)
def _interpolation(points: int, spacing: float, size: int) -> NDArray[np.float32]:
    """Return the weight of each control point at each of the `size` pixels in the middle."""
    import torch
    from monai.transforms import CenterSpatialCrop
    from torch.nn import functional as F

    dense = F.interpolate(
        torch.eye(points)[None, None],
        scale_factor=(spacing, 1.0),
        mode="bicubic",
        recompute_scale_factor=True,
    )
    weights: NDArray[np.float32] = np.asarray(CenterSpatialCrop((size, points))(dense[0])[0])
    return weights


@lru_cache(maxsize=16)
def _smoothing(size: int, sigma: float) -> Any:
    """Return the weight of each voxel of a line in what a Gaussian makes of each other one."""
    import torch
    from monai.networks.layers import GaussianFilter

    return GaussianFilter(1, sigma, truncated=3.0)(torch.eye(size)[:, None])[:, 0]
