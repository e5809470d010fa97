"""Images whose axes are not at right angles: CT with a tilted gantry, sheared affines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .voxel_size import logger
from .world_coordinates import lengths, usable

if TYPE_CHECKING:
    from ...core.volume import Volume

_NOTABLE = 0.01  # cosine of the angle between two axes: lengths are off by 1 %


def check_right_angles(volume: Volume) -> Volume:
    """Return an image; log that sizes, which are measured with its spacing alone, are distorted."""
    affine = None if volume.affine is None else np.asarray(volume.affine, float)
    if affine is None or not usable(affine):
        return volume
    axes = affine[:-1, :-1] / lengths(affine)
    cosine = float(np.abs(axes.T @ axes - np.eye(len(axes))).max())
    if cosine > _NOTABLE:
        excess = 1 / abs(float(np.linalg.det(axes))) - 1
        logger.warning(
            "%s: its axes are not at right angles (%.3g° off, as in CT with a tilted gantry); "
            "sizes are measured as if they were, so that volumes are %.2g%% too large. Resample it "
            "to a straight grid first.",
            volume.name, float(np.degrees(np.arcsin(min(cosine, 1.0)))), 100 * excess,
        )  # fmt: skip
    return volume
