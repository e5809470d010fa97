"""What training images go through, so that a model holds on other microscopes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from ...core.options import Options
from .intensity_transforms import (
    IMAGE,
    LABELS,
    Changed,
    OneOf,
    add_gradient,
    add_noise,
    bend,
    blank_channel,
    cut,
    lower_resolution,
    mirror,
    scale,
    shade,
    share_random_state,
    shift,
    smooth,
    through,
    turn,
)
from .spatial_transforms import rand_affine, rand_warp_2d, rand_warp_3d

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
        return Seeded([*self._spatial(patch), *self._intensity()])

    def window(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is cut from an image for a crop."""
        return tuple(int(np.ceil(p / self.zoom[0])) for p in patch)

    def _spatial(self, patch: tuple[int, ...]) -> list[Any]:
        keys, ndim, window = [IMAGE, LABELS], len(patch), self.window(patch)
        axes = range(ndim) if self.mirrored is None else self.mirrored
        pose: dict[str, Any] = {
            "keys": keys, "prob": 1.0, "rotate_range": [self.angle] * (1 if ndim == 2 else 3),
            "translate_range": [w * self.shift for w in window], "spatial_size": patch,
            "mode": ["bilinear", "nearest"],
        }  # fmt: skip
        sharp = [Changed(1.0, partial(cut, patch=patch))]
        if self.right_angles:
            sharp.append(Changed(1.0, turn))
        mild = self._turned(ndim, pose)
        strong = [[self._zoomed(zoom, ndim, pose)] for zoom in np.geomspace(*self.zoom, _ZOOMS)]
        shares = [self.turn_share] + [self.zoom_share / _ZOOMS] * _ZOOMS
        return [
            OneOf([sharp, [mild], *strong], [1 - sum(shares), *shares]),
            Changed(1.0, partial(mirror, axes=axes)),
        ]

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

    def _intensity(self) -> list[Changed]:
        p = self.share
        return [
            Changed(p, partial(smooth, sigma=self.blur)),
            Changed(p / 2, partial(lower_resolution, zoom=(0.5, 1.0))),
            Changed(p, partial(bend, gamma=self.gamma)),
            Changed(p / 2, partial(shade, most=0.3)),
            Changed(p, partial(add_gradient, height=self.background)),
            Changed(p, partial(scale, most=0.4)),
            Changed(p, partial(shift, most=0.1)),
            Changed(p, partial(add_noise, most=self.noise)),
            Changed(self.drop, blank_channel),
        ]


class Seeded:
    """A chain of MONAI's transforms that draw from one generator.

    Seeded one by one, as MONAI's `Compose` does it, and with what MONAI notes about each image,
    crops took four times as long to make: more than the network takes to learn from them. What
    MONAI notes can only be switched for the whole process, hence the lock.
    """

    _noting = Lock()

    def __init__(self, transforms: Sequence[Any]) -> None:
        self._chain, self._random = transforms, np.random.RandomState()
        share_random_state(transforms, self._random)

    def __call__(self, data: Mapping[Hashable, Any], seed: int) -> Mapping[Hashable, Any]:
        from monai.data import get_track_meta, set_track_meta

        with self._noting:
            self._random.seed(seed)
            noted = get_track_meta()
            set_track_meta(False)
            try:
                return through(self._chain, data)
            finally:
                set_track_meta(noted)
