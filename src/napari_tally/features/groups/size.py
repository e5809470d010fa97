"""Size, position and contact with the image border."""

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
        Feature(
            "area",
            "Area",
            "Area of the object: number of pixels times the pixel area.",
            2,
            ndim=(2,),
        ),
        Feature(
            "volume",
            "Volume",
            "Volume of the object: number of voxels times the voxel volume.",
            3,
            ndim=(3,),
        ),
        Feature(
            "equivalent_diameter",
            "Equivalent diameter",
            "Diameter of the disc (ball in 3D) with the same size as the object.",
            1,
        ),
    ),
    _size,
)
PLACE = Group(
    "place",
    "Position and bounding box",
    Cost.PASS,
    (
        Feature(
            "centroid_{axis}",
            "Centroid",
            "Mean position of voxel centres, relative to the centre of the first voxel.",
            1,
        ),
        Feature("centroid_index_{axis}", "Centroid index", "Centroid in voxels.", unit="px"),
        Feature("width_{axis}", "Width", "Length of the bounding box along the axis.", 1),
        Feature("bbox_{axis}_min", "Bounding box start", "First index along the axis.", unit="px"),
        Feature("bbox_{axis}_max", "Bounding box end", "Last index plus 1.", unit="px"),
    ),
    _place,
)
BORDER = Group(
    "border",
    "Image border",
    Cost.PASS,
    (
        Feature(
            "touches_border",
            "Touches the border",
            "Whether the object has a voxel at the image border and may be cut off.",
        ),
    ),
    _border,
)
