"""Intensity of objects relative to their local background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...objects.expand import grown
from ..declare.feature import Columns, Cost, Feature, Group, Per
from ..kernels.moments import sums

if TYPE_CHECKING:
    from ..declare.object_data import Objects


def _background(objects: Objects) -> Columns:
    around = grown(objects.labels, ring_width(objects), objects.size)
    around[objects.labels > 0] = 0
    if len(objects) and len(objects.channels):
        stack = around.reshape(objects.stack.shape)
        mean = sums(stack, objects.channel_stacks, len(objects)).moments().mean
    else:
        mean = np.full((len(objects), len(objects.channels)), np.nan)
    return {"background_mean": mean, "intensity_above_background": objects.moments.mean - mean}


def ring_width(objects: Objects) -> float:
    """Return the width of the ring: the option, or a quarter of the objects' median diameter."""
    if objects.options.ring is not None:
        return objects.options.ring
    if not len(objects):
        return 0.0
    median = np.median(objects.amount)
    diameter = 2 * np.sqrt(median / np.pi) if objects.ndim == 2 else np.cbrt(6 * median / np.pi)
    return max(float(diameter) / 4, 1.5 * float(objects.size.max()))


BACKGROUND = Group(
    "background",
    "Local background",
    Cost.MUCH,
    (
        Feature(
            "background_mean",
            "Mean background",
            "Mean intensity of the ring of background around the object: background voxels closer "
            "to it than to any other object and within the ring's width (by default a quarter of "
            "the objects' median diameter). NaN if there are none.",
            per=Per.CHANNEL,
        ),
        Feature(
            "intensity_above_background",
            "Mean above background",
            "Mean intensity minus mean background.",
            per=Per.CHANNEL,
        ),
    ),
    _background,
    independent=False,
)
