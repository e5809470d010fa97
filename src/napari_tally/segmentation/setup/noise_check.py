"""Warn about low confidence: maps of noise are low, or uncertain almost everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CANDIDATE = 0.3  # probability from which a voxel may belong to an object
_LIKELY = 0.5
_CONFIDENT = 0.9
# Minimum share of confident voxels among the candidates. In 100 real images the 2D model had at
# least 0.73, in noise of all kinds at most 0.61 (one field of fog: 0.74). In 3D either model had at
# least 0.50 in three real stacks, and at most 0.35 in noise.
_LEAST_SHARE = {2: 0.65, 3: 0.4}
_FEW = 20  # voxels: fewer are not an object


class NoiseCheck:
    """Counts confident and uncertain voxels over all planes of a run.

    Parameters
    ----------
    ndim : int
        Number of spatial axes of the maps.
    least_share : float, optional
        The model's own minimum share of confident voxels: see `ModelInfo.least_confident`.
    """

    def __init__(self, ndim: int, least_share: float | None = None) -> None:
        self.ndim = ndim
        self.least_share = _LEAST_SHARE[ndim] if least_share is None else least_share
        self.candidates = self.likely = self.confident = 0

    def add(self, maps: NDArray[Any]) -> None:
        """Count the voxels of a plane's maps, shape (C, *spatial), the background first."""
        for background in maps[0]:  # row by row (slice by slice), to save memory
            probability = 1 - background
            self.candidates += int(np.count_nonzero(probability > _CANDIDATE))
            self.likely += int(np.count_nonzero(probability > _LIKELY))
            self.confident += int(np.count_nonzero(probability > _CONFIDENT))

    @property
    def share(self) -> float:
        """Share of confident voxels among the candidates."""
        return self.confident / self.candidates if self.candidates else 0.0

    def warning(self, name: str, plural: str, count: int) -> str:
        """Return a warning about the maps of the image `name`, or "".

        `count` is the number of objects found.
        """
        voxels = "pixels" if self.ndim == 2 else "voxels"
        if self.likely < _FEW:
            return (
                f"Low confidence: {name} has almost no {voxels} with a probability above "
                f"{_LIKELY:g}, so it may have no {plural}, or none like those in the training data"
            )
        if self.share < self.least_share:
            return (
                f"Low confidence: only {self.share:.0%} of candidate {plural} {voxels} in {name} "
                f"have a probability above {_CONFIDENT:g}, so the image may be noise or unlike the "
                "training data"
            )
        if count:
            return ""
        return (
            f"{name} has {self.confident:,} confident {plural} {voxels}, but every object is below "
            "the minimum size (set the object size, or a smaller minimum size)"
        )
