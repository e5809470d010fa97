"""Augmentation of training patches, so that a model generalizes to other microscopes."""

from __future__ import annotations

from functools import partial

import numpy as np
from pydantic import Field, model_validator

from ...core.options import Options
from .chain import Chain, Transform, one_of, sometimes
from .intensity_transforms import (
    add_gradient,
    add_noise,
    adjust_gamma,
    blur,
    drop_channel,
    lower_resolution,
    multiply_bias_field,
    scale_intensity,
    shift_intensity,
    vary_stains,
)
from .spatial_transforms import (
    Affine,
    Displacement,
    control_points,
    crop,
    flip,
    resample,
    rotate_90,
    smooth_noise,
    undisplaced,
)

_WARP_SMOOTH = 6  # px: sigma of the noise that shifts voxels
_WARP_GRID = 24.0  # px between the points that are shifted in 2D
_STAINED = 0.7  # share of the patches with other stains
_ZOOMS = 9  # levels of zoom; between them objects are also stretched a little along each axis


class Augmentation(Options):
    """How strongly patches are augmented. Intensities are meant after normalization (about 0..1).

    Attributes
    ----------
    zoom : (float, float)
        Objects become between `zoom[0]` and `zoom[1]` times as large, in `zoom_share` of the
        patches.
    turn_share : float
        Share of the patches that are rotated by any angle and stretched a little. The others are
        rotated by right angles only: interpolation blurs the gaps between small objects.
    angle : float
        Largest rotation about each axis, radians. Images of one orientation (as those of patients)
        are rotated a little only.
    warp : float
        Typical shift, px, of a smooth random deformation of the patches that are
        rotated.
    shift : float
        Largest shift of the patch, as a share of its window.
    mirrored : tuple of int, optional
        Axes that may be flipped (0 is the first spatial one). Default: all.
    right_angles : bool
        Whether patches are rotated by right angles in the plane of the last two axes.
    gamma, blur, noise : (float, float)
        Ranges of the gamma exponent, the Gaussian sigma (px) and the noise's standard deviation.
    drop : float
        Share of the patches of several channels in which one of them is set to 0.
    stains : float
        Largest relative change of each stain of an RGB image of histology, in most patches.
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
    stains: float = Field(0.0, ge=0, le=1)
    background: float = Field(0.4, ge=0, description="Largest height of an added gradient")
    share: float = Field(0.3, ge=0, le=1, description="Probability of each change of intensity")

    @model_validator(mode="after")
    def _shares_fit(self) -> Augmentation:
        if self.zoom_share + self.turn_share > 1:
            raise ValueError("zoom_share and turn_share must not exceed 1 together")
        return self

    def transform(self, patch: tuple[int, ...]) -> Chain:
        """Return the transform of a dict of `image` and `labels`, both (C, *window)."""
        return Chain([*self._spatial(patch), *self._intensity()])

    def window(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is cut from an image for a patch."""
        return tuple(int(np.ceil(p / self.zoom[0])) for p in patch)

    def _spatial(self, patch: tuple[int, ...]) -> list[Transform]:
        axes = range(len(patch)) if self.mirrored is None else self.mirrored
        sharp: list[Transform] = [partial(crop, shape=patch)]
        if self.right_angles:
            sharp.append(rotate_90)
        shift = tuple(w * self.shift for w in self.window(patch))
        mild = partial(
            resample,
            shape=patch,
            affine=Affine(self.angle, shift, (0.9, 1.1), shear=0.1),
            displacement=self._displacement(len(patch)),
        )
        strong = [
            # The scale is that of the sampled window: 2 shows objects half as large.
            partial(resample, shape=patch, affine=Affine(self.angle, shift, (0.92 / z, 1.08 / z)))
            for z in np.geomspace(*self.zoom, _ZOOMS)
        ]
        shares = [self.turn_share] + [self.zoom_share / _ZOOMS] * _ZOOMS
        return [
            one_of([sharp, [mild], *([one] for one in strong)], [1 - sum(shares), *shares]),
            partial(flip, axes=axes),
        ]

    def _displacement(self, ndim: int) -> Displacement:
        if not self.warp:
            return undisplaced
        if ndim == 2:
            return partial(control_points, spacing=_WARP_GRID, most=2 * self.warp * 3**0.5)
        # The spread that smoothing leaves of noise from -1 to 1.
        spread = 3**-0.5 * (2 * np.pi**0.5 * _WARP_SMOOTH) ** -1.5
        return partial(smooth_noise, sigma=_WARP_SMOOTH, most=2 * self.warp / spread)

    def _intensity(self) -> list[Transform]:
        p = self.share
        stained = [sometimes(_STAINED, partial(vary_stains, most=self.stains))]
        return [
            *(stained if self.stains else ()),
            sometimes(p, partial(blur, sigma=self.blur)),
            sometimes(p / 2, partial(lower_resolution, zoom=(0.5, 1.0))),
            sometimes(p, partial(adjust_gamma, gamma=self.gamma)),
            sometimes(p / 2, partial(multiply_bias_field, most=0.3)),
            sometimes(p, partial(add_gradient, height=self.background)),
            sometimes(p, partial(scale_intensity, most=0.4)),
            sometimes(p, partial(shift_intensity, most=0.1)),
            sometimes(p, partial(add_noise, most=self.noise)),
            sometimes(self.drop, drop_channel),
        ]
