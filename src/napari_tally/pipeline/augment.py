"""What training images go through, so that a model holds on other microscopes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from ..core.options import Options
from .warp import rand_affine, rand_warp_2d, rand_warp_3d

IMAGE, LABELS = "image", "labels"
_WARP_SMOOTH = 6  # px: sigma of the noise that shifts voxels
_WARP_GRID = 24.0  # px between the points that are shifted in 2D
_ZOOMS = 9  # levels of zoom; between them objects are also stretched a little along each axis


class Augmentation(Options):
    """How strongly crops are changed. Intensities are meant after normalization (about 0..1).

    Attributes
    ----------
    zoom : (float, float)
        Objects become between `zoom[0]` and `zoom[1]` times as large, for `zoom_share` of crops.
    turn_share : float
        Share of crops that are turned by any angle and stretched a little. The others are only
        turned by right angles: interpolation blurs the gaps between small objects.
    angle : float
        Largest turn about each axis, radians. Images that always lie the same way (as those of
        patients do) are turned a little only.
    warp : float
        Typical shift, px, of a smooth random deformation of the crops that are turned.
    shift : float
        Largest shift of the crop, as a share of its window.
    mirrored : tuple of int, optional
        Axes that may be mirrored (0 is the first spatial one); all if it is not given.
    right_angles : bool
        Whether crops are turned by right angles in the plane of the last two axes.
    gamma, blur, noise : (float, float)
        Ranges of the gamma exponent, the Gaussian sigma (px) and the noise's standard deviation.
    drop : float
        Share of the crops of several channels in which one of them is blank.
    """

    zoom: tuple[float, float] = (0.5, 2.0)
    zoom_share: float = Field(0.5, ge=0, le=1)
    turn_share: float = Field(0.25, ge=0, le=1)
    angle: float = Field(np.pi, ge=0, le=np.pi)
    warp: float = Field(0.0, ge=0, le=10)
    shift: float = Field(0.25, ge=0, le=1)
    mirrored: tuple[int, ...] | None = None
    right_angles: bool = True
    gamma: tuple[float, float] = (0.5, 2.0)
    blur: tuple[float, float] = (0.3, 2.0)
    noise: float = Field(0.08, ge=0)
    drop: float = Field(0.0, ge=0, le=1)
    background: float = Field(0.4, ge=0, description="Largest height of an added gradient")
    share: float = Field(0.3, ge=0, le=1, description="How often each change of intensity is made")

    @model_validator(mode="after")
    def _shares_fit(self) -> Augmentation:
        if self.zoom_share + self.turn_share > 1:
            raise ValueError("zoom_share and turn_share together can be 1 at most")
        return self

    def transform(self, patch: tuple[int, ...]) -> Seeded:
        """Return the transform of a dict of `image` and `labels`, both (C, *window)."""
        return Seeded([*self._spatial(patch), *self._intensity(len(patch))])

    def window(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is cut from an image for a crop."""
        return tuple(int(np.ceil(p / self.zoom[0])) for p in patch)

    def _spatial(self, patch: tuple[int, ...]) -> list[Any]:
        keys, ndim, window = [IMAGE, LABELS], len(patch), self.window(patch)
        axes = range(ndim) if self.mirrored is None else self.mirrored
        pose: dict[str, Any] = {
            "keys": keys, "prob": 1.0, "rotate_range": [self.angle] * (1 if ndim == 2 else 3),
            "translate_range": [w * self.shift for w in window], "spatial_size": patch,
            "mode": ["bilinear", "nearest"], "padding_mode": "reflection",
        }  # fmt: skip
        mild = self._turned(ndim, pose)
        strong = [[self._zoomed(zoom, ndim, pose)] for zoom in np.geomspace(*self.zoom, _ZOOMS)]
        shares = [self.turn_share] + [self.zoom_share / _ZOOMS] * _ZOOMS
        return [
            _OneOf([self._sharp(patch), [mild], *strong], [1 - sum(shares), *shares]),
            _at_random(1.0, partial(_mirror, axes=axes)),
        ]

    def _sharp(self, patch: tuple[int, ...]) -> list[Any]:
        from monai import transforms as mt

        keys = [IMAGE, LABELS]
        cut = [
            mt.SpatialPadd(keys, patch, mode="symmetric"),
            mt.RandSpatialCropd(keys, patch, random_size=False),
        ]
        return [*cut, _at_random(1.0, _turn)] if self.right_angles else cut

    def _turned(self, ndim: int, pose: dict[str, Any]) -> Any:
        pose = {**pose, "scale_range": [(-0.1, 0.1)] * ndim, "shear_range": [0.1] * ndim}
        if not self.warp:
            return rand_affine(**pose)
        if ndim == 2:  # control points of even shifts, between which it is interpolated
            most = 2 * self.warp * 3**0.5
            return rand_warp_2d(_WARP_GRID, magnitude_range=(0, most), **pose)
        # MONAI smooths noise of -1 to 1 and multiplies it: this gives back what smoothing takes.
        spread = 3**-0.5 * (2 * np.pi**0.5 * _WARP_SMOOTH) ** -1.5
        return rand_warp_3d(_WARP_SMOOTH, magnitude_range=(0, 2 * self.warp / spread), **pose)

    @staticmethod
    def _zoomed(zoom: float, ndim: int, pose: dict[str, Any]) -> Any:
        # MONAI's scale is that of the sampled window: 2 shows objects half as large.
        around = (0.92 / zoom - 1, 1.08 / zoom - 1)
        return rand_affine(scale_range=[around] * ndim, **pose)

    def _intensity(self, ndim: int) -> list[Any]:
        from monai import transforms as mt

        p, key = self.share, [IMAGE]
        blur = {f"sigma_{axis}": self.blur for axis in "xyz"}
        up = "bilinear" if ndim == 2 else "trilinear"
        return [
            mt.RandGaussianSmoothd(key, prob=p, **blur),
            mt.RandSimulateLowResolutiond(key, prob=p / 2, zoom_range=(0.5, 1.0), upsample_mode=up),
            mt.RandAdjustContrastd(key, prob=p, gamma=self.gamma),
            mt.RandBiasFieldd(key, prob=p / 2, degree=2, coeff_range=(0.0, 0.3)),
            _at_random(p, partial(_add_gradient, height=self.background)),
            mt.RandScaleIntensityd(key, factors=0.4, prob=p),
            mt.RandShiftIntensityd(key, offsets=0.1, prob=p),
            mt.RandGaussianNoised(key, prob=p, std=self.noise),
            *([_at_random(self.drop, _blank_channel)] if self.drop else []),
        ]


class _OneOf:
    """One of several chains of transforms, drawn by their shares: MONAI's `OneOf` in no time."""

    def __init__(self, chains: Sequence[Sequence[Any]], shares: Sequence[float]) -> None:
        self.chains, self._bounds = chains, np.cumsum(shares)[:-1]
        self.random = np.random.RandomState()

    def __call__(self, data: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        drawn = int(np.searchsorted(self._bounds, self.random.rand(), side="right"))
        return _through(self.chains[drawn], data)


class Seeded:
    """A chain of MONAI's transforms that draw from one generator.

    Seeded one by one, as MONAI's `Compose` does it, and with what MONAI notes about each image,
    crops took four times as long to make: more than the network takes to learn from them. What
    MONAI notes can only be switched for the whole process, hence the lock.
    """

    _noting = Lock()

    def __init__(self, transforms: Sequence[Any]) -> None:
        self._chain, self._random = transforms, np.random.RandomState()
        _share(transforms, self._random)

    def __call__(self, data: Mapping[Hashable, Any], seed: int) -> Mapping[Hashable, Any]:
        from monai.data import get_track_meta, set_track_meta

        with self._noting:
            self._random.seed(seed)
            noted = get_track_meta()
            set_track_meta(False)
            try:
                return _through(self._chain, data)
            finally:
                set_track_meta(noted)


def _through(chain: Sequence[Any], data: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
    for transform in chain:
        data = transform(data)
    return data


def _share(chain: Sequence[Any], random: np.random.RandomState) -> None:
    """Let all transforms of a chain draw from a generator."""
    from monai.transforms import Randomizable

    for transform in chain:
        if isinstance(transform, _OneOf):
            transform.random = random
            for part in transform.chains:
                _share(part, random)
        elif isinstance(transform, Randomizable):
            transform.set_random_state(state=random)


def _at_random(
    prob: float, change: Callable[[dict[Hashable, Any], np.random.RandomState], None]
) -> Any:
    """Return a transform that makes a change of its own to a share of the crops."""
    from monai.transforms import RandomizableTransform

    class RandChanged(RandomizableTransform):
        """Call a function on a copy of the dict."""

        def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
            out = dict(data)
            self.randomize(None)
            if self._do_transform:
                change(out, self.R)
            return out

    return RandChanged(prob)


def _turn(crop: dict[Hashable, Any], rng: np.random.RandomState) -> None:
    """Turn by a right angle in the plane of the last two axes, or not: MONAI's `RandRotate90d`."""
    import torch

    times = rng.randint(4)
    crop.update({key: torch.rot90(crop[key], times, (-2, -1)) for key in (IMAGE, LABELS)})


def _mirror(crop: dict[Hashable, Any], rng: np.random.RandomState, axes: Sequence[int]) -> None:
    """Mirror along each axis or not: MONAI's `RandFlipd`, for all axes at once."""
    turned = [axis + 1 for axis in axes if rng.rand() < 0.5]
    if turned:
        crop.update({key: crop[key].flip(turned) for key in (IMAGE, LABELS)})


def _add_gradient(crop: dict[Hashable, Any], rng: np.random.RandomState, height: float) -> None:
    """Add a linear gradient, as uneven illumination or out-of-focus light does."""
    crop[IMAGE] = crop[IMAGE] + _gradient(crop[IMAGE].shape[1:], height, rng)


def _blank_channel(crop: dict[Hashable, Any], rng: np.random.RandomState) -> None:
    """Blank one of several channels, so that none is relied on alone."""
    import torch

    image = crop[IMAGE]
    if len(image) > 1:
        kept = torch.ones((len(image), *(1,) * (image.ndim - 1)))
        kept[rng.randint(len(kept))] = 0
        crop[IMAGE] = image * kept


def _gradient(shape: tuple[int, ...], height: float, rng: np.random.RandomState) -> Any:
    import torch

    slope = rng.uniform(-1, 1, len(shape))
    axes = [torch.linspace(-1, 1, n) * s for n, s in zip(shape, slope, strict=True)]
    plane = sum(torch.meshgrid(*axes, indexing="ij"), torch.zeros(shape))
    plane = (plane - plane.min()) / (plane.max() - plane.min()).clamp(min=1e-6)
    return (plane * rng.uniform(0, height)).float()
