"""A warning where maps have low confidence: those of noise are low, or nearly all uncertain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CANDIDATE = 0.3  # probability from which a voxel may belong to an object
_LIKELY = 0.5
_CONFIDENT = 0.9
# Minimum share of confident voxels among the candidates. In 100 real images the 2D model had 0.73
# and more, in noise of all kinds 0.61 and less (one field of fog: 0.74). In 3D there were 0.50 and
# more in three real stacks, by either model, and 0.35 and less in noise.
_LEAST_SHARE = {2: 0.65, 3: 0.4}
_FEW = 20  # voxels: fewer are no object


class NoiseCheck:
    """Counts, over all planes of a run, how confident the network is."""

    def __init__(self, ndim: int) -> None:
        self.ndim = ndim
        self.candidates = self.likely = self.confident = 0

    def add(self, maps: NDArray[Any]) -> None:
        """Count the voxels of a plane's maps, shape (C, *spatial); the background is in front."""
        for background in maps[0]:  # row by row (slice by slice): no second copy of all
            probability = 1 - background
            self.candidates += int(np.count_nonzero(probability > _CANDIDATE))
            self.likely += int(np.count_nonzero(probability > _LIKELY))
            self.confident += int(np.count_nonzero(probability > _CONFIDENT))

    @property
    def share(self) -> float:
        """Share of confident voxels among the candidates."""
        return self.confident / self.candidates if self.candidates else 0.0

    def warning(self, name: str, plural: str, count: int) -> str:
        """Return a warning about the maps of the image of that name, or "".

        `count` is how many objects were found.
        """
        voxels = "pixels" if self.ndim == 2 else "voxels"
        if self.likely < _FEW:
            return (
                f"Low confidence: {name} has next to no {voxels} with p > {_LIKELY:g}. It may have "
                f"no {plural}, or none of the size or kind in the training data"
            )
        if self.share < _LEAST_SHARE[self.ndim]:
            return (
                f"Low confidence: only {self.share:.0%} of candidate {plural} {voxels} in {name} "
                f"have p > {_CONFIDENT:g}. The image may be noise, or unlike the training data"
            )
        if count:
            return ""
        return (
            f"{name} has {self.confident:,} {voxels} with p > {_CONFIDENT:g}, but every connected "
            "component is below the minimum size. Set the object size, or a smaller minimum size"
        )
