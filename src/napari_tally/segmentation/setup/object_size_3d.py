"""Estimate the object size of a stack: the network is most confident at the right scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.progress import Step, Steps
from ...geometry.resample import resampled_part, scaled_shape
from .noise_check import NoiseCheck
from .object_size import STAGE, Decode, Probe, SizeEstimate, probe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...models.preprocessing import DiameterRange
    from ...network.tiled_inference import Inference

_PROBE = 80  # voxels: side of the central part of the resized stack
_SCALES = (0.125, 0.177, 0.25, 0.354, 0.5, 0.707, 1.0)
_SHALLOW = 6  # slices: minimum depth of a resized stack


def estimate_size_3d_steps(
    stack: NDArray[np.float32], inference: Inference, decode: Decode, sizes: DiameterRange
) -> Steps[SizeEstimate]:
    """Estimate the diameter from the middle of the stack at decreasing scales.

    Objects are measured at the scale with the largest share of confident voxels. If objects are too
    small for the network in the original stack, their size must be set.

    Parameters
    ----------
    stack : ndarray, shape (C, Z, Y, X)
        Normalized, with cubic voxels.
    """
    best, highest = Probe(0.0, 0.0), 0.0
    for number, shrink in enumerate(_SCALES):
        shape = scaled_shape(stack.shape[1:], shrink)
        if min(shape) < _SHALLOW and shrink < 1:
            continue
        maps = yield from inference.steps(_middle(stack, shape))
        yield Step(STAGE, number + 1, len(_SCALES))
        check = NoiseCheck(3)
        check.add(maps)
        result = probe(decode(maps), maps, shrink)
        if result.diameter and check.share > highest:
            best, highest = result, check.share
    if not best.diameter:
        return SizeEstimate(None, 1.0)
    return SizeEstimate(best.diameter, sizes.scale_for(best.diameter))


def _middle(stack: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the middle of the stack resampled to a shape; the rest is not resampled."""
    starts = (max(0, (n - _PROBE) // 2) for n in shape)
    part = tuple(slice(at, min(at + _PROBE, n)) for at, n in zip(starts, shape, strict=True))
    return resampled_part(stack, shape, part, np.asarray)
