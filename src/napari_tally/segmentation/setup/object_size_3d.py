"""Guess how large the objects of a stack are: the network is surest where they have its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.progress import Step, Steps
from ...geometry.resample import resample_image, scaled_shape
from .noise_check import Doubts
from .object_size import STAGE, Decode, Guess, Look, look, middle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...models.preprocessing import DiameterRange
    from ...network.tiling import Inference

_LOOK = 80  # voxels a side: what of the shrunken stack is looked at, around its middle
_SCALES = (0.125, 0.177, 0.25, 0.354, 0.5, 0.707, 1.0)
_SHALLOW = 6  # slices: a stack is not shrunken below


def guess_3d_steps(
    stack: NDArray[np.float32], inference: Inference, decode: Decode, sizes: DiameterRange
) -> Steps[Guess]:
    """Guess the diameter from copies of the stack's middle, shrunken more and more.

    Of what may be of objects a share is sure; where that is largest, objects are measured. What is
    too small for the network even in the stack as it is cannot be seen so, and has to be told.

    Parameters
    ----------
    stack : ndarray, shape (C, Z, Y, X)
        Normalized, on a grid of cubes.
    """
    best, surest = Look(0.0, 0.0), 0.0
    for number, shrink in enumerate(_SCALES):
        shape = scaled_shape(stack.shape[1:], shrink)
        if min(shape) < _SHALLOW and shrink < 1:
            continue
        maps = yield from inference.steps(middle(resample_image(stack, shape), _LOOK))
        yield Step(STAGE, number + 1, len(_SCALES))
        doubts = Doubts(3)
        doubts.add(maps)
        found = look(decode(maps), maps, shrink)
        if found.diameter and doubts.share > surest:
            best, surest = found, doubts.share
    if not best.diameter:
        return Guess(None, 1.0)
    return Guess(best.diameter, sizes.scale_for(best.diameter))
