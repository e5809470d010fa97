"""Connected components of masks and label images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError


def are_connected(labels: NDArray[np.integer[Any]]) -> bool:
    """Return whether each object is one connected component, corners included.

    Labels have the shape (Y, X) or (Z, Y, X).
    """
    return int(components(labels).max(initial=0)) == len(np.unique(labels[labels > 0]))


def components(array: ArrayLike) -> NDArray[np.int32]:
    """Label the connected components of equal, non-zero values, from 1.

    Full connectivity: voxels that share a corner are connected.

    Parameters
    ----------
    array : array-like of bool or int, shape (Y, X) or (Z, Y, X)

    Raises
    ------
    InputError
        If there are not 2 or 3 axes.
    """
    import cc3d

    array = np.ascontiguousarray(array)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)  # the only order of cc3d
    if array.ndim not in (2, 3):
        raise InputError(f"Masks and labels must have 2 or 3 axes, not the shape {array.shape}")
    if array.dtype == bool:
        array = array.view(np.uint8)  # with bool cc3d (4.1) labels voxels outside of the mask
    found = cc3d.connected_components(array, connectivity=8 if array.ndim == 2 else 26)
    return np.asarray(found).astype(np.int32, copy=False)
