"""Small random changes of a crop: MONAI's, without what it does around them.

A crop is a dict of `image` and `labels`, both (C, *spatial). On crops as small as these MONAI's
transforms spend most of their time on what surrounds the change itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

IMAGE, LABELS = "image", "labels"
Crop = dict[Hashable, Any]
_DEGREE = 2  # of the field by which images are shaded


class Changed:
    """A share of the crops, changed by a function of a copy of the dict and a generator."""

    def __init__(self, share: float, change: Callable[[Crop, RandomState], None]) -> None:
        self.share, self.change, self.random = share, change, RandomState()

    def set_random_state(self, state: RandomState) -> None:
        """Draw from this generator from now on."""
        self.random = state

    def __call__(self, crop: Mapping[Hashable, Any]) -> Crop:
        out = dict(crop)
        if self.share == 1 or self.random.rand() < self.share:
            self.change(out, self.random)
        return out


class OneOf:
    """One of several chains of transforms, drawn by their shares: MONAI's `OneOf`."""

    def __init__(self, chains: Sequence[Sequence[Any]], shares: Sequence[float]) -> None:
        self.chains, self._bounds = chains, np.cumsum(shares)[:-1]
        self.random = RandomState()

    def set_random_state(self, state: RandomState) -> None:
        """Draw from this generator from now on, as all transforms of the chains do."""
        self.random = state
        for chain in self.chains:
            share_random_state(chain, state)

    def __call__(self, crop: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        drawn = int(np.searchsorted(self._bounds, self.random.rand(), side="right"))
        return through(self.chains[drawn], crop)


def through(chain: Sequence[Any], crop: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
    """Return what a chain of transforms makes of a crop."""
    for transform in chain:
        crop = transform(crop)
    return crop


def share_random_state(chain: Sequence[Any], state: RandomState) -> None:
    """Let all transforms of a chain, MONAI's too, draw from one generator."""
    for transform in chain:
        transform.set_random_state(state=state)


def cut(crop: Crop, random: RandomState, patch: Sequence[int]) -> None:
    """Cut out a patch, of an image that is mirrored at its borders where it is smaller."""
    from monai.transforms import SpatialPadd

    if any(n < p for n, p in zip(crop[IMAGE].shape[1:], patch, strict=True)):
        crop.update(SpatialPadd([IMAGE, LABELS], patch, mode="symmetric")(crop))
    starts = [random.randint(n - p + 1) for n, p in zip(crop[IMAGE].shape[1:], patch, strict=True)]
    window = [slice(start, start + p) for start, p in zip(starts, patch, strict=True)]
    crop.update({key: crop[key][(slice(None), *window)] for key in (IMAGE, LABELS)})


def turn(crop: Crop, random: RandomState) -> None:
    """Turn by a right angle in the plane of the last two axes, or not: MONAI's `RandRotate90d`."""
    import torch

    times = random.randint(4)
    crop.update({key: torch.rot90(crop[key], times, (-2, -1)) for key in (IMAGE, LABELS)})


def mirror(crop: Crop, random: RandomState, axes: Sequence[int]) -> None:
    """Mirror along each axis or not: MONAI's `RandFlipd`, for all axes at once."""
    mirrored = [axis + 1 for axis in axes if random.rand() < 0.5]
    if mirrored:
        crop.update({key: crop[key].flip(mirrored) for key in (IMAGE, LABELS)})


def smooth(crop: Crop, random: RandomState, sigma: tuple[float, float]) -> None:
    """Smooth by a Gaussian, a sigma of its own along each axis, as `RandGaussianSmoothd` does."""
    import torch
    from scipy.ndimage import gaussian_filter

    image = crop[IMAGE].numpy()
    sigmas = random.uniform(*sigma, image.ndim - 1)
    crop[IMAGE] = torch.from_numpy(gaussian_filter(image, (0, *sigmas)))


def lower_resolution(crop: Crop, random: RandomState, zoom: tuple[float, float]) -> None:
    """Take only some voxels, and those between them from them: `RandSimulateLowResolutiond`."""
    from torch.nn.functional import interpolate

    image, share = crop[IMAGE][None], random.uniform(*zoom)
    shape = image.shape[2:]
    coarse = interpolate(image, [max(1, round(n * share)) for n in shape], mode="nearest")
    up = "bilinear" if len(shape) == 2 else "trilinear"
    crop[IMAGE] = interpolate(coarse, shape, mode=up, align_corners=False)[0]


def bend(crop: Crop, random: RandomState, gamma: tuple[float, float]) -> None:
    """Raise intensities from their least to their largest to a power: `RandAdjustContrastd`."""
    image = crop[IMAGE]
    low, high = image.min(), image.max()
    span = (high - low).clamp(min=1e-7)
    crop[IMAGE] = ((image - low) / span) ** random.uniform(*gamma) * span + low


def scale(crop: Crop, random: RandomState, most: float) -> None:
    """Multiply by 1 - `most` to 1 + `most`: MONAI's `RandScaleIntensityd`."""
    crop[IMAGE] = crop[IMAGE] * (1 + random.uniform(-most, most))


def shift(crop: Crop, random: RandomState, most: float) -> None:
    """Add up to `most`, or take it off: MONAI's `RandShiftIntensityd`."""
    crop[IMAGE] = crop[IMAGE] + random.uniform(-most, most)


def add_noise(crop: Crop, random: RandomState, most: float) -> None:
    """Add Gaussian noise of a standard deviation up to `most`: MONAI's `RandGaussianNoised`."""
    import torch

    generator = torch.Generator().manual_seed(random.randint(2**31))
    noise = torch.empty(crop[IMAGE].shape).normal_(generator=generator)
    crop[IMAGE] = crop[IMAGE] + random.uniform(0, most) * noise


def shade(crop: Crop, random: RandomState, most: float) -> None:
    """Multiply by a smooth field, as the coils of a scanner do: MONAI's `RandBiasFieldd`.

    Its logarithm is a sum of Legendre polynomials of degree 2 with coefficients up to `most`.
    """
    import torch

    shape = crop[IMAGE].shape[1:]
    powers = np.indices((_DEGREE + 1,) * len(shape)).sum(0)
    field = np.where(powers <= _DEGREE, random.uniform(0, most, powers.shape), 0)
    for n in shape:  # the axis in front becomes the last one
        field = np.tensordot(field, _polynomials(n), (0, 1))
    crop[IMAGE] = crop[IMAGE] * torch.from_numpy(field.astype(np.float32)).exp()


@lru_cache(maxsize=16)
def _polynomials(n: int) -> NDArray[np.float64]:
    """Return the Legendre polynomials at n even places of -1 to 1, shape (n, degrees)."""
    return np.asarray(np.polynomial.legendre.legvander(np.linspace(-1, 1, n), _DEGREE), np.float64)


def add_gradient(crop: Crop, random: RandomState, height: float) -> None:
    """Add a linear gradient, as uneven illumination or out-of-focus light does."""
    import torch

    shape = crop[IMAGE].shape[1:]
    slopes = random.uniform(-1, 1, len(shape))
    slopes *= random.uniform(0, height) / max(np.abs(slopes).sum(), 1e-6)
    for axis, slope in enumerate(slopes):  # from 0, whichever way it rises
        along = torch.linspace(max(-slope, 0.0), max(slope, 0.0), shape[axis])
        crop[IMAGE] = crop[IMAGE] + along.view(-1, *(1,) * (len(shape) - 1 - axis))


def blank_channel(crop: Crop, random: RandomState) -> None:
    """Blank one of several channels, so that none is relied on alone."""
    import torch

    image = crop[IMAGE]
    if len(image) > 1:
        kept = torch.ones((len(image), *(1,) * (image.ndim - 1)))
        kept[random.randint(len(kept))] = 0
        crop[IMAGE] = image * kept
