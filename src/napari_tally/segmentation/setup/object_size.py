"""Estimate the object size of an image from a quick pass of the network at low resolution."""

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
    from ...network.tiled_inference import Inference

STAGE = "estimate the object size"
_PROBE = 256  # px: side of the central part of the resized image
_FIRST = 1 / 4  # first scale: a sixteenth of the image's pixels
_FINEST = 1 / 2
_SMALLEST = 24  # px: minimum side of a resized image
_CERTAIN = 0.86  # mean foreground probability at which objects are large enough to measure
_FAINT = 0.3  # minimum foreground probability of voxels in that mean
_ROOM = 0.8  # share of the model's largest diameter above which a coarser probe follows

Decode = Callable[[NDArray[np.float32]], NDArray[np.integer]]


@dataclass(frozen=True, slots=True)
class SizeEstimate:
    """Object diameter in px of the image (None if unknown), and the scale chosen for it."""

    diameter: float | None
    scale: float

    def note(self, *, given: bool) -> str:
        """Return a note about the object size, or "" if the image is not resized."""
        if self.scale == 1 or self.diameter is None:
            return ""
        how = "upscaled" if self.scale > 1 else "downscaled"
        source = "Object diameter" if given else "Estimated object diameter"
        override = "" if given else " (set the object size to override it)"
        return (
            f"{source}: {self.diameter:.3g} px{override}; image {how} to {self.scale:.2g}x for "
            "the network"
        )


def estimate_size_steps(
    image: NDArray[np.float32], inference: Inference, decode: Decode, sizes: DiameterRange
) -> Steps[SizeEstimate]:
    """Estimate the diameter from downscaled images, which are fast to segment.

    The first probe is at a quarter of the size. If objects are too large there, coarser probes
    follow; if they are too small for the network to be confident, a finer one. This finds objects
    larger than in the training data; for smaller ones the size must be set.
    """
    shrink, last = _FIRST, Probe(0.0, 0.0)
    while min(shape := scaled_shape(image.shape[1:], shrink)) >= _SMALLEST:
        maps = yield from inference.steps(middle(resample_image(image, shape), _PROBE))
        yield Step(STAGE, 1, 1)
        last = probe(decode(maps), maps, shrink)
        if last.certainty < _CERTAIN and shrink in (_FIRST, _FINEST):
            if shrink == _FINEST:
                break
            shrink = _FINEST
        elif last.diameter * shrink > _ROOM * sizes.high and shrink <= _FIRST:
            shrink /= 2
        else:
            break
    if not last.diameter:
        return SizeEstimate(None, 1.0)
    return SizeEstimate(last.diameter, sizes.scale_for(max(last.diameter, sizes.low)))


@dataclass(frozen=True, slots=True)
class Probe:
    """Object diameter in px of the image (median over foreground voxels), and its certainty."""

    diameter: float
    certainty: float


def middle(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the middle of an image, shape (C, *spatial), at most `size` voxels along each axis."""
    starts = [max(0, (n - size) // 2) for n in image.shape[1:]]
    cut = tuple(slice(start, start + size) for start in starts)
    return image[(slice(None), *cut)]


def probe(labels: NDArray[np.integer], maps: NDArray[np.float32], shrink: float) -> Probe:
    """Return diameter and certainty from the labels and maps of an image scaled by `shrink`."""
    size = np.bincount(labels.ravel())[1:]
    size = np.sort(size[size > 0])
    if not len(size):
        return Probe(0.0, 0.0)
    half = float(size[np.searchsorted(np.cumsum(size), size.sum() / 2)])
    flat = labels.ndim == 2
    radius = (half / np.pi) ** 0.5 if flat else (0.75 * half / np.pi) ** (1 / 3)
    foreground = 1 - maps[0]
    return Probe(2 * radius / shrink, float(foreground[foreground > _FAINT].mean()))
