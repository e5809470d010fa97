"""Random changes of shape: MONAI's, in a fraction of their time.

What MONAI interpolates or convolves along each axis is a product with a matrix here, made once for
crops of one shape; the affine matrix is made by NumPy, which is quicker with small ones; images are
sampled in float32, and mirrored at their borders. Every crop is changed.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from monai.transforms import RandAffineGrid


def rand_affine(spatial_size: tuple[int, ...], **options: Any) -> Any:
    """Return MONAI's `RandAffined`.

    Parameters
    ----------
    spatial_size : tuple of int
        Shape of the crops that come out.
    **options
        What else `RandAffined` takes.
    """
    from monai.transforms import RandAffined

    class RandFastAffined(RandAffined):
        """Turn, shift, zoom and shear at random."""

        def __init__(self) -> None:
            super().__init__(spatial_size=spatial_size, **options)
            self._places = _places(spatial_size)

        def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> Any:
            return _sampled(self, data, self._places, self.rand_affine.rand_affine_grid)

    return RandFastAffined()


def rand_warp_2d(spacing: float, spatial_size: tuple[int, ...], **options: Any) -> Any:
    """Return MONAI's `Rand2DElasticd`, but that nothing is drawn that is not used.

    Parameters
    ----------
    spacing : float
        Pixels between control points.
    spatial_size : (int, int)
        Shape of the crops that come out.
    **options
        What else `Rand2DElasticd` takes.
    """
    from monai.transforms import Rand2DElasticd
    from monai.transforms.utils import create_control_grid

    even = (spacing, spacing)

    class RandWarp2Dd(Rand2DElasticd):
        """Move control points at random, and everything between them with them."""

        def __init__(self) -> None:
            super().__init__(spacing=even, spatial_size=spatial_size, **options)
            self._points = create_control_grid(
                spatial_size, even, dtype=np.float32, backend="numpy"
            )
            sizes = zip(self._points.shape[1:], spatial_size, strict=True)
            self._rows, self._columns = (_between(points, spacing, size) for points, size in sizes)

        def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
            elastic = self.rand_2d_elastic
            deform, points = elastic.deform_grid, self._points.copy()
            deform.randomize(points.shape[1:])
            points[:2] += deform.rand_mag * deform.random_offset
            points = self._rows @ points @ self._columns.T
            return _sampled(self, data, points, elastic.rand_affine_grid)

    return RandWarp2Dd()


def rand_warp_3d(sigma: float, spatial_size: tuple[int, ...], **options: Any) -> Any:
    """Return MONAI's `Rand3DElasticd` with noise that is always smoothed alike.

    Parameters
    ----------
    sigma : float
        Of the Gaussian by which the noise is smoothed, voxels.
    spatial_size : (int, int, int)
        Shape of the crops that come out.
    **options
        What else `Rand3DElasticd` takes.
    """
    from monai.transforms import Rand3DElasticd

    class RandWarp3Dd(Rand3DElasticd):
        """Move voxels by smooth noise."""

        def __init__(self) -> None:
            super().__init__(sigma_range=(sigma, sigma), spatial_size=spatial_size, **options)
            self._places = _places(spatial_size)
            self._smooth = [_smoothing(size, sigma) for size in spatial_size]

        def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
            import torch

            elastic, grid = self.rand_3d_elastic, self._places.copy()
            elastic.randomize(spatial_size)
            planes, rows, columns = self._smooth
            noise = rows @ torch.from_numpy(elastic.rand_offset) @ columns
            noise = (planes @ noise.flatten(2)).view(noise.shape)
            grid[:3] += elastic.magnitude * noise.numpy()
            return _sampled(self, data, grid, elastic.rand_affine_grid)

    return RandWarp3Dd()


@lru_cache(maxsize=8)
def _places(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the places of voxels from the middle, and 1, for all changes of crops of a shape."""
    from monai.transforms.utils import create_grid

    grid: NDArray[np.float32] = create_grid(shape, dtype=np.float32)
    return grid


def _matrix(draw: RandAffineGrid, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return a random affine matrix, shape (ndim, ndim + 1).

    It leads from voxels of the crop, counted from its middle, to places in an image of this shape
    as PyTorch counts them: the last axis first, from -1 to 1.
    """
    from monai.transforms.utils import create_rotate, create_shear

    draw.randomize()
    ndim = len(shape)
    linear = create_rotate(ndim, draw.rotate_params)[:-1, :-1]
    if draw.shear_params:
        linear = linear @ create_shear(ndim, draw.shear_params)[:-1, :-1]
    matrix = np.column_stack([linear * draw.scale_params, linear @ draw.translate_params])
    matrix *= (2 / np.maximum(shape, 2))[:, None]
    return matrix[::-1].astype(np.float32)


def _sampled(
    transform: Any, data: Mapping[Hashable, Any], grid: NDArray[np.float32], draw: RandAffineGrid
) -> dict[Hashable, Any]:
    """Return what each image of a dict has at the places of a grid that are moved: `Resample`."""
    import torch
    from torch.nn import functional as F

    out, shape = dict(data), grid.shape[1:]
    parts = math.gcd(shape[0], torch.get_num_threads())  # PyTorch shares out whole images only
    places = _matrix(draw, out[transform.keys[0]].shape[1:]) @ grid.reshape(len(grid), -1)
    places = mirrored(places).T.reshape(parts, -1, *shape[1:], len(shape), copy=False)
    at = torch.from_numpy(places)
    for key, mode in transform.key_iterator(out, transform.mode):
        image = out[key].float().expand(parts, *out[key].shape)
        found = F.grid_sample(image, at, mode, "border", align_corners=False)
        out[key] = found.transpose(0, 1).reshape(len(out[key]), *shape)
    return out


def mirrored(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return places, as PyTorch counts them, that are mirrored into the image, from -1 to 1.

    `padding_mode="reflection"` does it voxel by voxel, and takes longer than the sampling.
    """
    most = np.abs(places).max()
    if most > 3:  # beyond the first mirror image
        places = np.remainder(places + 1, 4) - 1
    return np.maximum(np.minimum(places, 2 - places), -2 - places) if most > 1 else places


def _between(points: int, spacing: float, size: int) -> NDArray[np.float32]:
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
    weights: NDArray[np.float32] = CenterSpatialCrop((size, points))(dense[0])[0].numpy()
    return weights


def _smoothing(size: int, sigma: float) -> Any:
    """Return the weight of each voxel of a line in what a Gaussian makes of each other one."""
    import torch
    from monai.networks.layers import GaussianFilter

    return GaussianFilter(1, sigma, truncated=3.0)(torch.eye(size)[:, None])[:, 0]
