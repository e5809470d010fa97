"""The number type of labels in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError

if TYPE_CHECKING:
    from ...core.volume import Volume


def smallest(labels: NDArray[Any], types: Sequence[str]) -> NDArray[Any]:
    """Return labels in the first of some types of whole numbers that holds all of them.

    Real numbers that are whole will do: many a public data set has its labels so.

    Raises
    ------
    InputError
        If they are no whole numbers, or none of the types holds them.
    """
    whole = labels.dtype.kind in "biu" or (labels.dtype.kind == "f" and np.all(labels % 1 == 0))
    if not whole:
        raise InputError("Whole numbers are needed as labels", str(labels.dtype))
    low, high = (int(f(labels, initial=0)) for f in (np.min, np.max))
    for name in types:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return labels.astype(name, copy=False)
    raise InputError(f"Labels that fit {' or '.join(types)} are needed", f"up to {high}")


def numbers_of(volume: Volume, name: str, types: tuple[str, ...]) -> NDArray[np.generic]:
    """Return the numbers of a volume as medical formats hold them; labels in the smallest of types.

    Raises
    ------
    InputError
        If they are of a type that the file called `name` cannot hold, or there are none.
    """
    array = np.asarray(volume.array)
    if array.dtype.kind not in "biuf" or array.dtype.name == "float16" or array.size == 0:
        raise InputError(
            f"Whole or real numbers are needed for {name}",
            f"{array.dtype} of shape {array.shape}",
        )
    array = smallest(array, types) if volume.is_labels else array
    return array.view(np.uint8) if array.dtype == bool else array
