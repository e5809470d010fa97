"""Guess how large the objects of a stack are, from quick looks at coarse copies of its middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.progress import Step, Steps
from ..geometry.resample import resample_image, scaled_shape
from .diameter import STAGE, Decode, Guess, look, middle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..models.info import DiameterRange
    from ..network.tiling import Inference

_LOOK = 80  # voxels a side: what of the shrunken stack is looked at, around its middle
_FIRST, _COARSEST, _FINEST = 1 / 2, 1 / 8, 1.0
_SMALL = 0.8  # of the model's least diameter: below, a finer look is taken
_SHALLOW = 6  # slices: a stack is not shrunken below


def guess_3d_steps(
    stack: NDArray[np.float32], inference: Inference, decode: Decode, sizes: DiameterRange
) -> Steps[Guess]:
    """Guess the diameter: where objects come out too small or too large, look again.

    Parameters
    ----------
    stack : ndarray, shape (C, Z, Y, X)
        Normalized, on the grid that the network sees objects of the right size on.
    """
    shrink, seen, last = _FIRST, 0.0, 0.0
    while shrink != last and min(shape := scaled_shape(stack.shape[1:], shrink)) >= _SHALLOW:
        maps = yield from inference.steps(middle(resample_image(stack, shape), _LOOK))
        yield Step(STAGE, 1, 1)
        found = look(decode(maps), maps, shrink).diameter
        seen, last = found or seen, shrink
        if found * shrink < _SMALL * sizes.low and shrink < _FINEST:
            shrink = _FINEST
        elif found * shrink > sizes.high and _COARSEST < shrink < _FINEST:
            shrink /= 2
    return Guess(seen, sizes.scale_for(seen)) if seen else Guess(None, 1.0)
