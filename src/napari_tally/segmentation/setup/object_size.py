"""Guess how large the objects of an image are from a quick coarse pass of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.progress import Step, Steps
from ...geometry.resample import resample_image, scaled_shape

if TYPE_CHECKING:
    from ...models.preprocessing import DiameterRange
    from ...network.tiling import Inference

STAGE = "guess the object size"
_LOOK = 256  # px a side: what of the shrunken image is looked at, around its middle
_FIRST = 1 / 4  # where the search begins: a sixteenth of the image's pixels
_FINEST = 1 / 2
_SMALLEST = 24  # px a side: the image is not shrunken below
_CERTAIN = 0.86  # mean foreground probability from which objects are large enough to be judged
_FAINT = 0.3  # foreground probability below which a voxel does not count for that mean
_ROOM = 0.8  # of the model's largest diameter: beyond, a coarser look is taken

Decode = Callable[[NDArray[np.float32]], NDArray[np.integer]]


@dataclass(frozen=True, slots=True)
class Guess:
    """Diameter of the objects in px of the image (None if unknown), and the scale chosen for it."""

    diameter: float | None
    scale: float

    def sentence(self, *, told: bool) -> str:
        """Say what was done about the object size, or "" where there is nothing to say."""
        if self.scale == 1 or self.diameter is None:
            return ""
        how = "enlarged" if self.scale > 1 else "reduced"
        source = "as told" if told else "as guessed; say otherwise with an object size"
        return (
            f"Objects of about {self.diameter:.3g} px ({source}): the image is {how} "
            f"to {self.scale:.2g} times its size for the network"
        )


def guess_steps(
    image: NDArray[np.float32], inference: Inference, decode: Decode, sizes: DiameterRange
) -> Steps[Guess]:
    """Guess the diameter from shrunken copies of the image, where objects of any size are cheap.

    The first look is at a quarter of the size. If objects are too large there, a coarser look
    follows; if they are too small for the network to be certain, one finer look. An image with
    objects larger than the model knows is to be reduced; smaller ones cannot be seen in a shrunken
    image and have to be told.
    """
    shrink, seen = _FIRST, Look(0.0, 0.0)
    while min(shape := scaled_shape(image.shape[1:], shrink)) >= _SMALLEST:
        maps = yield from inference.steps(middle(resample_image(image, shape), _LOOK))
        yield Step(STAGE, 1, 1)
        seen = look(decode(maps), maps, shrink)
        if seen.certainty < _CERTAIN and shrink in (_FIRST, _FINEST):
            if shrink == _FINEST:
                break
            shrink = _FINEST
        elif seen.diameter * shrink > _ROOM * sizes.high and shrink <= _FIRST:
            shrink /= 2
        else:
            break
    if not seen.diameter:
        return Guess(None, 1.0)
    return Guess(seen.diameter, sizes.scale_for(max(seen.diameter, sizes.low)))


@dataclass(frozen=True, slots=True)
class Look:
    """Diameter (px of the image) of the typical foreground voxel's object, and its certainty."""

    diameter: float
    certainty: float


def middle(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the middle of an image, shape (C, *spatial), at most `size` voxels along each axis."""
    starts = [max(0, (n - size) // 2) for n in image.shape[1:]]
    cut = tuple(slice(start, start + size) for start in starts)
    return image[(slice(None), *cut)]


def look(labels: NDArray[np.integer], maps: NDArray[np.float32], shrink: float) -> Look:
    """Return what objects and maps of an image say of it, that was shrunken by `shrink`."""
    size = np.bincount(labels.ravel())[1:]
    size = np.sort(size[size > 0])
    if not len(size):
        return Look(0.0, 0.0)
    half = float(size[np.searchsorted(np.cumsum(size), size.sum() / 2)])
    flat = labels.ndim == 2
    radius = (half / np.pi) ** 0.5 if flat else (0.75 * half / np.pi) ** (1 / 3)
    foreground = 1 - maps[0]
    return Look(2 * radius / shrink, float(foreground[foreground > _FAINT].mean()))
