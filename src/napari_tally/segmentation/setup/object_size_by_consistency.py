"""Estimate the object size at the finest scale at which the maps are consistent with objects.

A model of objects of any kind finds something at every scale: organelles in cells, cells, colonies.
Where objects are too large or too small for it, their flow contradicts their shape. Of the scales
at which consistent objects cover much of what any scale shows, the finest one counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.progress import Step, Steps
from ...geometry.resample import resample_image, scaled_shape
from .object_size import STAGE, Decode, SizeEstimate, middle, probe

if TYPE_CHECKING:
    from ...models.preprocessing import DiameterRange
    from ...network.tiled_inference import Inference

_PROBE = 256  # px: side of the central part of the resized image
_SCALES = (1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16)
_SMALLEST = 24  # px: minimum side of a resized image
_MUCH = 0.55  # minimum share, of the largest consistent area at any scale
_LEAST = 0.002  # minimum share of an image in consistent objects

Consistent = Callable[[NDArray[np.float32]], float]


def consistent_size_steps(
    image: NDArray[np.float32],
    inference: Inference,
    decode: Decode,
    sizes: DiameterRange,
    consistent: Consistent,
) -> Steps[SizeEstimate]:
    """Estimate the diameter of the objects of an image, shape (C, Y, X).

    Parameters
    ----------
    consistent : callable
        Returns the share of an image in consistent objects from its maps.
    """
    found: list[tuple[float, float]] = []
    for shrink in _SCALES:
        shape = scaled_shape(image.shape[1:], shrink)
        if min(shape) < _SMALLEST and found:
            break
        maps = yield from inference.steps(middle(resample_image(image, shape), _PROBE))
        yield Step(STAGE, len(found) + 1, len(_SCALES))
        found.append((consistent(maps), probe(decode(maps), maps, shrink).diameter))
    most = max(share for share, _ in found)
    for share, diameter in found:
        if share >= max(_MUCH * most, _LEAST) and diameter:
            return SizeEstimate(diameter, sizes.scale_for(diameter))
    return SizeEstimate(None, 1.0)
