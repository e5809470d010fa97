"""Turn an image as its orientation tag says: that of TIFF (274), which EXIF shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .voxel_size import logger

TAG = 274
STORED_AS_SHOWN = 1
_SWAPPED = (5, 6, 7, 8)  # rows are the columns of what is shown


def swaps(orientation: int) -> bool:
    """Return whether turning exchanges X and Y."""
    return orientation in _SWAPPED


def turned(array: NDArray[Any], orientation: int, axes: str, name: str) -> NDArray[Any]:
    """Return an image as viewers show it: 1 is stored so, 2 to 8 are flipped or rotated.

    Values of other programs that the standard does not have count as 1.
    """
    if orientation not in range(2, 9):
        return array
    logger.warning(
        "%s: turned as its orientation tag (%d) says. Programs that ignore the tag, among them "
        "napari's own reader, show it as it is stored.", name, orientation,
    )  # fmt: skip
    y, x = axes.index("Y"), axes.index("X")
    if swaps(orientation):
        array = array.swapaxes(y, x)
    flips = ((y, (3, 4, 7, 8)), (x, (2, 3, 6, 7)))
    return np.flip(array, tuple(axis for axis, codes in flips if orientation in codes))
