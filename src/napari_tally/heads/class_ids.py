"""Consecutive class ids for training labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError


def numbered_classes(
    classes: NDArray[np.integer], class_ids: tuple[int, ...], name: str
) -> NDArray[np.integer]:
    """Replace class ids by their position in `class_ids`, from 1; 0 stays the background.

    Raises
    ------
    InputError
        If the image of that name has another class id.
    """
    unknown = np.setdiff1d(classes, (0, *class_ids))
    if len(unknown):
        known = ", ".join(map(str, class_ids))
        raise InputError(f"{name} has the class id {unknown[0]}, but the classes are {known}")
    ids = np.array((0, *class_ids))
    order = np.argsort(ids)
    numbers: NDArray[np.integer] = order[np.searchsorted(ids[order], classes)]
    return numbers
