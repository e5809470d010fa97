"""Grow objects by a distance without overlap: cells from nuclei, rings around objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError


def grown(
    labels: NDArray[np.unsignedinteger[Any]],
    distance: float,
    spacing: Sequence[float] | NDArray[np.float64],
) -> NDArray[np.unsignedinteger[Any]]:
    """Expand objects into the background by a distance; each voxel goes to the nearest object.

    Parameters
    ----------
    labels : ndarray of uint, shape (Y, X) or (Z, Y, X)
    distance : float
        In the unit of the spacing, between the centres of voxels.
    spacing : sequence of float
        Size of a voxel along each axis.

    Returns
    -------
    ndarray
        A new array of the type of the labels.

    Raises
    ------
    InputError
        If the distance is negative or not finite.
    """
    from skimage.segmentation import expand_labels

    if not (np.isfinite(distance) and distance >= 0):
        raise InputError(f"Distance to grow objects must be 0 or more, not {distance:g}")
    if not labels.any():
        return labels.copy()
    result: NDArray[np.unsignedinteger[Any]] = expand_labels(labels, distance, tuple(spacing))
    return result.astype(labels.dtype, copy=False)
