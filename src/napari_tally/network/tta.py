"""Test-time augmentation (TTA): prediction maps averaged over rotated and mirrored copies.

A prediction should not depend on the orientation of the image. The mean over copies is more
accurate than any of them, and where they differ the network is uncertain. After Wang et al.,
2019, "Aleatoric uncertainty estimation with test-time augmentation", Neurocomputing,
https://doi.org/10.1016/j.neucom.2019.01.103.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .tiled_inference import Inference

if TYPE_CHECKING:
    from ..core.progress import Steps

COPIES = 8


@dataclass(frozen=True, slots=True)
class Copy:
    """How a copy is transformed: Y and X are swapped or not, then axes are mirrored or not.

    Attributes
    ----------
    swapped : bool
        Whether Y becomes X.
    mirrored : tuple of bool
        Which of the new spatial axes are reversed.
    """

    swapped: bool
    mirrored: tuple[bool, ...]

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the transformed array, shape (..., *spatial), as a view."""
        return self._flipped(array.swapaxes(-1, -2) if self.swapped else array)

    def maps_back(self, maps: NDArray[np.float32], vectors: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the maps of the copy, shape (C, ..., *spatial), in the orientation of the image.

        Parameters
        ----------
        vectors : tuple of int
            The channels of a vector along each spatial axis, which rotates with the image, or none.
        """
        back = self._flipped(maps)
        back = back.swapaxes(-1, -2) if self.swapped else back
        if not vectors:
            return back
        signs = [-1 if m else 1 for m in self.mirrored]
        along = [sign * back[c] for c, sign in zip(vectors, signs, strict=True)]
        if self.swapped:
            along[-1], along[-2] = along[-2], along[-1]
        back = back.copy()
        back[list(vectors)] = along
        return back

    def _flipped(self, array: NDArray[Any]) -> NDArray[Any]:
        return array[(..., *(slice(None, None, -1 if m else None) for m in self.mirrored))]


def copies(ndim: int) -> list[Copy]:
    """Return the eight transforms of an image, the identity first.

    Those of a square in 2D. In 3D they rotate in the plane, and mirrored copies are also mirrored
    along Z, so that they include flips of every axis.
    """
    plane = product((False, True), repeat=3)
    return [Copy(swap, (*[(swap + y + x) % 2 == 1] * (ndim - 2), y, x)) for swap, y, x in plane]


def _first(maps: NDArray[Any]) -> NDArray[Any]:
    first: NDArray[Any] = maps[0]
    return first


@dataclass
class AugmentedInference(Inference):
    """Tiled inference on the eight copies of each image.

    Its maps have one more channel, the last: the spread of the foreground, which is its standard
    deviation over the copies.

    Attributes
    ----------
    vectors : tuple of int
        See `Copy.maps_back`.
    foreground : callable
        Gives the probability of the foreground from maps, shape (C, ..., *spatial).
    """

    vectors: tuple[int, ...] = ()
    foreground: Callable[[NDArray[Any]], NDArray[Any]] = _first

    def _run(self, image: NDArray[np.float32], lead: int) -> Steps[NDArray[np.float32]]:
        sums: NDArray[np.float32] | None = None
        for number, copy in enumerate(copies(image.ndim - 1 - lead)):
            steps = super()._run(np.ascontiguousarray(copy(image)), lead)
            maps = copy.maps_back((yield from _part(steps, number)), self.vectors)
            if sums is None:
                sums = np.zeros((len(maps) + 1, *maps.shape[1:]), np.float32)
            sums[:-1] += maps / COPIES
            sums[-1] += self.foreground(maps) ** 2 / COPIES
        assert sums is not None
        sums[-1] = np.sqrt(np.maximum(sums[-1] - self.foreground(sums[:-1]) ** 2, 0))
        return sums


def _part(steps: Steps[NDArray[np.float32]], number: int) -> Steps[NDArray[np.float32]]:
    """Relay the steps of one copy as a part of those of all."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            maps: NDArray[np.float32] = end.value
            return maps
        done = number * step.total + step.done
        yield replace(step, done=done, total=COPIES * step.total)
