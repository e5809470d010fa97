"""Random intensity transforms of a patch: MONAI's, without their overhead.

On small patches MONAI's transforms spend most of their time on overhead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .chain import IMAGE, Patch

if TYPE_CHECKING:
    from numpy.random import RandomState

_DEGREE = 2  # of the bias field


def blur(patch: Patch, random: RandomState, sigma: tuple[float, float]) -> None:
    """Blur by a Gaussian with a sigma drawn for each axis: MONAI's `RandGaussianSmoothd`."""
    import torch
    from scipy.ndimage import gaussian_filter

    image = patch[IMAGE].numpy()
    sigmas = random.uniform(*sigma, image.ndim - 1)
    patch[IMAGE] = torch.from_numpy(gaussian_filter(image, (0, *sigmas)))


def lower_resolution(patch: Patch, random: RandomState, zoom: tuple[float, float]) -> None:
    """Downsample and upsample again: MONAI's `RandSimulateLowResolutiond`."""
    from torch.nn.functional import interpolate

    image, share = patch[IMAGE][None], random.uniform(*zoom)
    shape = image.shape[2:]
    coarse = interpolate(image, [max(1, round(n * share)) for n in shape], mode="nearest")
    up = "bilinear" if len(shape) == 2 else "trilinear"
    patch[IMAGE] = interpolate(coarse, shape, mode=up, align_corners=False)[0]


def adjust_gamma(patch: Patch, random: RandomState, gamma: tuple[float, float]) -> None:
    """Raise intensities, scaled to 0..1, to a power: MONAI's `RandAdjustContrastd`."""
    image = patch[IMAGE]
    low, high = image.min(), image.max()
    span = (high - low).clamp(min=1e-7)
    patch[IMAGE] = ((image - low) / span) ** random.uniform(*gamma) * span + low


def scale_intensity(patch: Patch, random: RandomState, most: float) -> None:
    """Multiply by 1 - `most` to 1 + `most`: MONAI's `RandScaleIntensityd`."""
    patch[IMAGE] = patch[IMAGE] * (1 + random.uniform(-most, most))


def shift_intensity(patch: Patch, random: RandomState, most: float) -> None:
    """Add -`most` to `most`: MONAI's `RandShiftIntensityd`."""
    patch[IMAGE] = patch[IMAGE] + random.uniform(-most, most)


def add_noise(patch: Patch, random: RandomState, most: float) -> None:
    """Add Gaussian noise of a standard deviation up to `most`: MONAI's `RandGaussianNoised`."""
    import torch

    generator = torch.Generator().manual_seed(random.randint(2**31))
    noise = torch.empty(patch[IMAGE].shape).normal_(generator=generator)
    patch[IMAGE] = patch[IMAGE] + random.uniform(0, most) * noise


def multiply_bias_field(patch: Patch, random: RandomState, most: float) -> None:
    """Multiply by a smooth field, as the coils of a scanner do: MONAI's `RandBiasFieldd`.

    Its logarithm is a sum of Legendre polynomials of degree 2 with coefficients up to `most`.
    """
    import torch

    shape = patch[IMAGE].shape[1:]
    powers = np.indices((_DEGREE + 1,) * len(shape)).sum(0)
    field = np.where(powers <= _DEGREE, random.uniform(0, most, powers.shape), 0)
    for n in shape:  # the axis in front becomes the last one
        field = np.tensordot(field, _polynomials(n), (0, 1))
    patch[IMAGE] = patch[IMAGE] * torch.from_numpy(field.astype(np.float32)).exp()


@lru_cache(maxsize=16)
def _polynomials(n: int) -> NDArray[np.float64]:
    """Return the Legendre polynomials at n even steps from -1 to 1, shape (n, degrees)."""
    return np.asarray(np.polynomial.legendre.legvander(np.linspace(-1, 1, n), _DEGREE), np.float64)


def add_gradient(patch: Patch, random: RandomState, height: float) -> None:
    """Add a linear gradient, as uneven illumination or out-of-focus light does."""
    import torch

    shape = patch[IMAGE].shape[1:]
    slopes = random.uniform(-1, 1, len(shape))
    slopes *= random.uniform(0, height) / max(np.abs(slopes).sum(), 1e-6)
    for axis, slope in enumerate(slopes):  # from 0, with either sign
        along = torch.linspace(max(-slope, 0.0), max(slope, 0.0), shape[axis])
        patch[IMAGE] = patch[IMAGE] + along.view(-1, *(1,) * (len(shape) - 1 - axis))


def drop_channel(patch: Patch, random: RandomState) -> None:
    """Zero one of several channels, so that the network does not rely on a single one."""
    import torch

    image = patch[IMAGE]
    if len(image) > 1:
        factors = torch.ones((len(image), *(1,) * (image.ndim - 1)))
        factors[random.randint(len(factors))] = 0
        patch[IMAGE] = image * factors
