"""Recognize labels in a file that does not say so, such as a mask of lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...core.volume import Volume

_MOST_IDS = 32
_LARGEST_ID = 255
_BACKGROUND = 0.5  # share of voxels, at least
_SAMPLES = 50_000
_MOST_VOXELS = 2**28  # larger images are not searched


def is_label_map(volume: Volume) -> bool:
    """Return whether an image is a mask or has few ids: most voxels are 0, others small and whole.

    At most 32 values from 0 to 255 count as ids, in images without time and channels. A CT or MR
    has more values or less background.
    """
    array = volume.array
    size = int(np.prod(array.shape))
    if volume.axes not in ("ZYX", "YX") or not isinstance(array, np.ndarray) or size > _MOST_VOXELS:
        return False
    if array.dtype.kind not in "uifb":
        return False
    step = max(int((size / _SAMPLES) ** (1 / array.ndim)), 1)
    if not _few(np.asarray(array[(slice(None, None, step),) * array.ndim])):
        return False
    found: set[int] = set()
    background = 0
    for part in array if array.ndim == 3 else [array]:  # plane by plane, to take little memory
        ids = _few(part)
        found.update(ids)
        if not ids or len(found) > _MOST_IDS:
            return False
        background += int(np.count_nonzero(part < 0.5))
    return bool(max(found) > 0 and background >= _BACKGROUND * size)


def _few(array: NDArray[Any]) -> list[int]:
    """Return the values that occur if they are few small ids, else nothing."""
    if not (array.min() > -0.5 and array.max() <= _LARGEST_ID + 0.5):  # false for NaN, too
        return []
    if array.dtype.kind == "f":
        from ...core.label_ids import nearest_ids  # numba

        found = nearest_ids(array)
        if found is None:
            return []
        array = found[0]
    ids = np.flatnonzero(np.bincount(array.ravel().astype(np.uint8)))
    return ids.tolist() if len(ids) <= _MOST_IDS else []
