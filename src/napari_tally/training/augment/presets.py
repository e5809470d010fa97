"""Presets of augmentation."""

from __future__ import annotations

from typing import Literal

from .augmentation import Augmentation

Preset = Literal["none", "light", "strong"]
_SMALL_TURN = 0.3  # radians: patients are positioned alike


def preset(
    name: Preset, ndim: int, *, oriented: bool = False, flat: bool = False, sided: bool = False
) -> Augmentation:
    """Return the augmentation of a preset.

    Parameters
    ----------
    oriented : bool
        Whether all images have one orientation: they are only rotated slightly, and flipped along
        the last axis, which is left to right.
    flat : bool
        Whether slices of a stack are further apart than its pixels: no rotation out of the plane.
    sided : bool
        Whether classes distinguish left and right: no flips, and no rotation by right angles.
    """
    if name == "none":
        return Augmentation(
            zoom=(1, 1), zoom_share=0, turn_share=0, shift=0, mirrored=(), right_angles=False,
            share=0,
        )  # fmt: skip
    found = _LIGHT if name == "light" else _STRONG
    if oriented:
        pose = {"angle": _SMALL_TURN, "shift": 0.08, "mirrored": (ndim - 1,), "right_angles": False}
        found = found.model_copy(update=pose)
    if sided:
        found = found.model_copy(
            update={"mirrored": (), "right_angles": False, "angle": _SMALL_TURN}
        )
    if flat and ndim == 3:
        found = found.model_copy(update={"angle": 0.0})
    return found


_LIGHT = Augmentation(
    zoom=(0.85, 1.2), zoom_share=0.2, turn_share=0.2, gamma=(0.7, 1.5), blur=(0.25, 1.0),
    noise=0.05, background=0.2, share=0.15,
)  # fmt: skip
_STRONG = Augmentation(
    zoom=(0.7, 1.4), zoom_share=0.3, turn_share=0.4, warp=0.7, gamma=(0.6, 1.7), blur=(0.3, 1.5),
    noise=0.07, background=0.4, share=0.3, drop=0.1,
)  # fmt: skip
