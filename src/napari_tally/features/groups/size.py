"""Size, place and contact with the border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..declare.feature import Columns, Cost, Feature, Group

if TYPE_CHECKING:
    from ..declare.object_data import Objects


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
        columns[f"centroid_index_{a}"] = objects.moments.centroid[:, i - objects.ndim]
        columns[f"width_{a}"] = (high[:, i] - low[:, i]) * objects.size[i]
        columns[f"bbox_{a}_min"], columns[f"bbox_{a}_max"] = low[:, i], high[:, i]
    return columns


def _border(objects: Objects) -> Columns:
    touches = ((objects.low == 0) | (objects.high == objects.labels.shape)).any(axis=1)
    return {"touches_border": touches}


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
        Feature("centroid_index_{axis}", "Centroid in the array", "The same in voxels.", unit="px"),
        Feature("width_{axis}", "Width", "Size of the bounding box along the axis.", 1),
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
