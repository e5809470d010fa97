"""Mesh surface area of each object, for comparison with tools that report it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..declare.feature import Columns, Cost, Feature, Group

if TYPE_CHECKING:
    from ..declare.object_data import Objects

_HALF = 0.5  # the isosurface is half-way between voxels of the object and others


def _mesh(objects: Objects) -> Columns:
    from skimage.measure import marching_cubes, mesh_surface_area

    area = np.empty(len(objects))
    for i, (low, high) in enumerate(zip(objects.low, objects.high, strict=True)):
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        inside = np.pad(objects.labels[box] == i + 1, 1).astype(np.float32)
        corners, faces, _, _ = marching_cubes(inside, _HALF, spacing=tuple(objects.size))
        area[i] = mesh_surface_area(corners, faces)
    return {"mesh_area": area}


MESH = Group(
    "mesh",
    "Mesh surface (3D)",
    Cost.MUCH,
    (
        Feature(
            "mesh_area",
            "Mesh area",
            "Area of the marching-cubes mesh around the object's voxels. Faces at the image border "
            "count. The mesh's steps overestimate round objects by 7 to 9 %; the surface area does "
            "not.",
            2,
            ndim=(3,),
            source="Lewiner et al., 2003, https://doi.org/10.1080/10867651.2003.10487582, "
            "by scikit-image",
        ),
    ),
    _mesh,
)
