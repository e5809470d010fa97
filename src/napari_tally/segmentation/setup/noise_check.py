"""Whether the maps of a run say anything: those of noise are low, or nearly all uncertain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEEN = 0.3  # probability from which a voxel may be of an object
_LIKELY = 0.5
_SURE = 0.9  # ... and from which it surely is
# Least share of what may be of an object that surely is. In 100 real images the 2D model had 0.73
# and more, in noise of all kinds 0.61 and less (one field of fog: 0.74). In 3D there were 0.50 and
# more in three real stacks, by either model, and 0.35 and less in noise.
_LEAST_SURE = {2: 0.65, 3: 0.4}
_FEW = 20  # voxels: fewer are no object


class Doubts:
    """Counts, over all planes of a run, how sure a network was of its objects."""

    def __init__(self, ndim: int) -> None:
        self.least = _LEAST_SURE[ndim]
        self.seen = self.likely = self.sure = 0

    def add(self, maps: NDArray[Any]) -> None:
        """Count the maps of a plane, shape (C, *spatial); every head has background in front."""
        for background in maps[0]:  # row by row (slice by slice): no second copy of all
            probability = 1 - background
            self.seen += int(np.count_nonzero(probability > _SEEN))
            self.likely += int(np.count_nonzero(probability > _LIKELY))
            self.sure += int(np.count_nonzero(probability > _SURE))

    @property
    def share(self) -> float:
        """How much of what may be of an object surely is."""
        return self.sure / self.seen if self.seen else 0.0

    def sentence(self, name: str, plural: str, count: int) -> str:
        """Say what is doubtful about the maps of the image of that name, or "".

        `count` is how many objects came out.
        """
        if self.likely < _FEW:
            return (
                f"The maps of {name} are low everywhere: there may be no {plural} in it, or not of "
                "the size or kind that the model knows"
            )
        if self.share >= self.least:
            return "" if count else self._specks(name, plural)
        return (
            f"The maps of {name} are uncertain nearly everywhere (of what may be {plural}, "
            f"{self.share:.0%} is sure): this may be noise, or not what the model knows"
        )

    def _specks(self, name: str, plural: str) -> str:
        return (
            f"{self.sure:,} px of {name} look like {plural}, but in no piece that is large enough "
            "for one: specks are left out. Tell the object size, or the smallest that is kept"
        )
