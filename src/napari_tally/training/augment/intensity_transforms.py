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
_DARKEST = 0.02  # lower intensities have no more optical density


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


def vary_stains(patch: Patch, random: RandomState, most: float) -> None:
    """Change the amount of each stain in a histology image by up to `most`, and their colours.

    Colour deconvolution of Ruifrok and Johnston, 2001, with scikit-image's vectors of hematoxylin,
    eosin and DAB; the amounts are changed as by Tellez et al., 2018,
    https://doi.org/10.1109/TMI.2018.2820199. An intensity of 1 is white. Images of other than
    three channels stay as they are.
    """
    import torch
    from skimage.color import hed_from_rgb, rgb_from_hed

    image = patch[IMAGE]
    if len(image) != 3:
        return
    density = -image.clamp(_DARKEST, None).log()
    change = np.diag(random.uniform(1 - most, 1 + most, 3))
    mixed = hed_from_rgb @ change @ rgb_from_hed
    mixed += random.uniform(-most / 4, most / 4, (3, 3))  # other scanners and dyes
    weights = torch.from_numpy(mixed.T.astype(np.float32))
    stained = torch.einsum("ij,j...->i...", weights, density)
    offset = torch.from_numpy(random.uniform(-most / 4, most / 4, (3, 1, 1)).astype(np.float32))
    patch[IMAGE] = (-(stained + offset)).exp()
