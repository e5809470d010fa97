"""Guess how large the objects of an image are from a quick coarse pass of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Step, Steps
from ..geometry.resample import resample_image, scaled_shape

if TYPE_CHECKING:
    from ..models.info import DiameterRange
    from ..network.tiling import Inference

STAGE = "guess the object size"
_LOOK = 256  # px a side: what of the shrunken image is looked at, around its middle
_SHRINK = (1 / 2, 1 / 4, 1 / 8)
_LEAST_OBJECTS = 3

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
    """Look at the image shrunken by 2, 4 and 8; objects too large for the network show there.

    An object that is larger than the model knows falls apart at full size, but is whole and
    certain in one of the smaller images. Only if most of the area found there is of objects
    beyond the model's range is the image reduced.
    """
    found: list[tuple[float, float]] = []
    for done, shrink in enumerate(_SHRINK):
        shape = scaled_shape(image.shape[1:], shrink)
        if min(shape) < sizes.typical:
            break
        small = _middle(resample_image(image, shape))
        maps = yield from inference.steps(small)
        yield Step(STAGE, done + 1, len(_SHRINK))
        found.append(_seen(decode(maps), maps, shrink))
    return _judge(found, sizes)


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    cut = tuple(
        slice(max(0, (n - _LOOK) // 2), max(0, (n - _LOOK) // 2) + _LOOK) for n in image.shape[1:]
    )
    return image[(slice(None), *cut)]


def _seen(
    labels: NDArray[np.integer], maps: NDArray[np.float32], shrink: float
) -> tuple[float, float]:
    """Return (diameter in px of the image, certainty), both of the typical voxel of an object."""
    size = np.bincount(labels.ravel())[1:]
    size = np.sort(size[size > 0])
    if len(size) < 1:
        return 0.0, 0.0
    half = size[np.searchsorted(np.cumsum(size), size.sum() / 2)]
    diameter = (
        2 * (half / np.pi) ** 0.5 if labels.ndim == 2 else 2 * (0.75 * half / np.pi) ** (1 / 3)
    )
    return float(diameter / shrink), float((1 - maps[0])[labels > 0].mean())


def _judge(found: list[tuple[float, float]], sizes: DiameterRange) -> Guess:
    if not found:
        return Guess(None, 1.0)
    diameter, _ = max(found, key=lambda seen: seen[1])
    if diameter == 0:
        return Guess(None, 1.0)
    return Guess(diameter, sizes.scale_for(diameter) if diameter > sizes.high else 1.0)
