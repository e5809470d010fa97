"""Random changes of shape: MONAI's, in a fraction of their time.

What MONAI interpolates or convolves along each axis is a product with a matrix here, made once for
crops of one shape; and images are sampled in float32. Every crop is changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any


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
    from monai.transforms.utils import create_grid

    class RandFastAffined(RandAffined):
        """Turn, shift, zoom and shear at random."""

        def __init__(self) -> None:
            super().__init__(spatial_size=spatial_size, **options)
            self._places = create_grid(spatial_size, backend="torch", dtype="float32")

        def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> Any:
            return _sampled(self, data, self.rand_affine.rand_affine_grid(grid=self._places))

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
            self._points = create_control_grid(spatial_size, even, backend="torch")
            sizes = zip(self._points.shape[1:], spatial_size, strict=True)
            self._rows, self._columns = (_between(points, spacing, size) for points, size in sizes)

        def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
            import torch

            elastic = self.rand_2d_elastic
            deform, points = elastic.deform_grid, self._points.clone()
            deform.randomize(points.shape[1:])
            points[:2] += torch.from_numpy(deform.rand_mag * deform.random_offset)
            points = elastic.rand_affine_grid(grid=points)
            return _sampled(self, data, self._rows @ points @ self._columns.T)

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
    from monai.transforms.utils import create_grid

    class RandWarp3Dd(Rand3DElasticd):
        """Move voxels by smooth noise."""

        def __init__(self) -> None:
            super().__init__(sigma_range=(sigma, sigma), spatial_size=spatial_size, **options)
            self._places = create_grid(spatial_size, backend="torch", dtype="float32")
            self._smooth = [_smoothing(size, sigma) for size in spatial_size]

        def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
            import torch

            elastic, grid = self.rand_3d_elastic, self._places.clone()
            elastic.randomize(spatial_size)
            planes, rows, columns = self._smooth
            noise = rows @ torch.from_numpy(elastic.rand_offset) @ columns
            noise = (planes @ noise.flatten(2)).view(noise.shape)
            grid[:3] += elastic.magnitude * noise
            return _sampled(self, data, elastic.rand_affine_grid(grid=grid))

    return RandWarp3Dd()


def _sampled(transform: Any, data: Mapping[Hashable, Any], grid: Any) -> dict[Hashable, Any]:
    """Return what each image of a dict has at the places of a grid, from its middle: `Resample`."""
    import torch
    from torch.nn import functional as F

    out, places = dict(data), grid[:-1].flip(0).movedim(0, -1)
    for key, mode, padding in transform.key_iterator(out, transform.mode, transform.padding_mode):
        size = torch.tensor(out[key].shape[:0:-1]).clamp(min=2)
        at, image = (places * (2 / size))[None], out[key][None].float()
        out[key] = F.grid_sample(image, at, mode, padding, align_corners=False)[0]
    return out


def _between(points: int, spacing: float, size: int) -> Any:
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
    return CenterSpatialCrop((size, points))(dense[0])[0]


def _smoothing(size: int, sigma: float) -> Any:
    """Return the weight of each voxel of a line in what a Gaussian makes of each other one."""
    import torch
    from monai.networks.layers import GaussianFilter

    return GaussianFilter(1, sigma, truncated=3.0)(torch.eye(size)[:, None])[:, 0]
