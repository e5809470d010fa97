"""The data type of labels in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError

if TYPE_CHECKING:
    from ...core.volume import Volume


def smallest(labels: NDArray[Any], types: Sequence[str]) -> NDArray[Any]:
    """Return labels in the first of some integer types that can hold all ids.

    Floats that are whole, up to the rounding of a file's scaling, are accepted: many public data
    sets store their labels so.

    Raises
    ------
    InputError
        If they are not integers, or none of the types holds them.
    """
    from ...core.label_ids import nearest_ids  # numba

    found = nearest_ids(labels) if labels.dtype.kind == "f" else None
    if found is None and labels.dtype.kind not in "biu":
        raise InputError(f"Labels must be integers, not {labels.dtype} with fractions")
    labels = labels if found is None else found[0]
    low, high = (int(f(labels, initial=0)) for f in (np.min, np.max))
    for name in types:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return labels.astype(name, copy=False)
    raise InputError(
        f"Labels from {low} to {high} do not fit {' or '.join(types)}",
        hint="Renumber them from 1 without gaps",
    )


def numbers_of(volume: Volume, name: str, types: tuple[str, ...]) -> NDArray[np.generic]:
    """Return the array of a volume as medical formats hold it; labels in the smallest of types.

    Raises
    ------
    InputError
        If its dtype is one that the file called `name` cannot hold, or it is empty.
    """
    array = np.asarray(volume.array)
    array = smallest(array, types) if volume.is_labels and array.dtype.kind in "biuf" else array
    if array.dtype.kind not in "biuf" or array.dtype.name == "float16" or array.size == 0:
        raise InputError(
            f"{name} cannot hold an array of {array.dtype} and shape {array.shape}",
            hint="Convert it to integers, float32 or float64",
        )
    return array.view(np.uint8) if array.dtype == bool else array
