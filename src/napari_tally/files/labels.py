"""The number type of labels in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError


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
