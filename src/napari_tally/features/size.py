"""Size, place, axes and contact with the border: all from one pass over the array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .declared import Columns, Cost, Feature, Group

if TYPE_CHECKING:
    from .objects import Objects

_MOMENTS = "Second moments of the voxels' centres, as in scikit-image"


def _size(objects: Objects) -> Columns:
    amount = objects.amount
    if objects.ndim == 2:
        return {"area": amount, "equivalent_diameter": 2 * np.sqrt(amount / np.pi)}
    return {"volume": amount, "equivalent_diameter": np.cbrt(6 * amount / np.pi)}


def _place(objects: Objects) -> Columns:
    axes = "zyx"[-objects.ndim :]
    low, high = objects.low, objects.high
    columns: Columns = {}
    for i, a in enumerate(axes):
        columns[f"centroid_{a}"] = objects.centroid[:, i]
        columns[f"bbox_{a}_min"], columns[f"bbox_{a}_max"] = low[:, i], high[:, i]
    return columns


def _border(objects: Objects) -> Columns:
    touches = ((objects.low == 0) | (objects.high == objects.labels.shape)).any(axis=1)
    return {"touches_border": touches}


def variances(objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the variances along the principal axes, largest first, and the axes.

    Returns
    -------
    variances : ndarray of float64, shape (n, ndim)
    axes : ndarray of float64, shape (n, ndim, ndim)
        `axes[i, :, k]` is the unit vector of variance k of object i.
    """
    covariance = objects.moments.covariance[:, -objects.ndim :, -objects.ndim :]
    values, vectors = np.linalg.eigh(covariance * np.outer(objects.size, objects.size))
    return np.clip(values, 0, None)[:, ::-1], vectors[:, :, ::-1]


def axis_lengths(objects: Objects) -> NDArray[np.float64]:
    """Return the axes of the solid ellipse or ellipsoid of the same covariance, shape (n, ndim).

    The variance along a semi-axis `a` is a²/4 in an ellipse and a²/5 in an ellipsoid.
    """
    return 2 * np.sqrt((objects.ndim + 2) * variances(objects)[0])


def _axes(objects: Objects) -> Columns:
    lengths = axis_lengths(objects)
    names = ("major", "minor") if objects.ndim == 2 else ("major", "middle", "minor")
    return {f"axis_{name}_length": lengths[:, i] for i, name in enumerate(names)}


SIZE = Group(
    "size",
    "Size",
    Cost.PASS,
    (
        Feature("area", "Area", "Number of pixels times the area of one.", 2, ndim=(2,)),
        Feature("volume", "Volume", "Number of voxels times the volume of one.", 3, ndim=(3,)),
        Feature(
            "equivalent_diameter",
            "Equivalent diameter",
            "Diameter of the disc or ball of the same size.",
            1,
        ),
    ),
    _size,
)
PLACE = Group(
    "place",
    "Place and extents",
    Cost.PASS,
    (
        Feature(
            "centroid_{axis}",
            "Centroid",
            "Mean place of the voxels' centres, from the centre of the image's first voxel.",
            1,
        ),
        Feature("bbox_{axis}_min", "Bounding box, start", "First voxel along the axis.", unit="px"),
        Feature("bbox_{axis}_max", "Bounding box, end", "Voxel after the last one.", unit="px"),
    ),
    _place,
)
BORDER = Group(
    "border",
    "Contact with the border",
    Cost.PASS,
    (
        Feature(
            "touches_border",
            "Touches the border",
            "Whether a voxel is one of the image's outermost: part of the object may be missing.",
        ),
    ),
    _border,
)
AXES = Group(
    "axes",
    "Lengths of the principal axes",
    Cost.PASS,
    (
        Feature(
            "axis_major_length",
            "Major axis",
            "Longest axis of the ellipse or ellipsoid of the same second moments.",
            1,
            source=_MOMENTS,
        ),
        Feature(
            "axis_middle_length", "Middle axis", "Its middle axis.", 1, ndim=(3,), source=_MOMENTS
        ),
        Feature("axis_minor_length", "Minor axis", "Its shortest axis.", 1, source=_MOMENTS),
    ),
    _axes,
)
