"""Perimeter or surface, how round an object is, and how many holes it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..declare.feature import Columns, Cost, Feature, Group
from ..kernels.crofton_weights import border_weights
from ..kernels.cube_configurations import CLASSES

if TYPE_CHECKING:
    from ..declare.object_data import Objects

_LINDBLAD = "Lindblad, 2005, https://doi.org/10.1016/j.imavis.2004.06.012"
_CROFTON = "Crofton's formula; Ohser & Mücklich, 2000, as in scikit-image"
_CUT = "What the image's edge cuts through counts as border."


def _surface(objects: Objects) -> Columns:
    counts = objects.configurations
    border = counts[:, :CLASSES] @ border_weights(tuple(objects.size.tolist()))
    euler = counts[:, CLASSES] // 8
    amount = objects.amount
    if objects.ndim == 2:
        circularity = np.minimum(4 * np.pi * amount / border**2, 1)
        return {"perimeter": border, "circularity": circularity, "euler_number": euler}
    sphericity = np.minimum(np.cbrt(36 * np.pi * amount**2) / border, 1)
    return {"surface_area": border, "sphericity": sphericity, "euler_number": euler}


SURFACE = Group(
    "surface",
    "Surface",
    Cost.PASS,
    (
        Feature(
            "perimeter",
            "Perimeter",
            "Length of the border, of holes too, by how often lines in four directions cross it. "
            f"{_CUT} Straight borders along the axes come out 5 % short, those between the "
            "directions up to 3 % long, a disc right; a single pixel has 2.68 times its side.",
            1,
            ndim=(2,),
            source=_CROFTON,
        ),
        Feature(
            "circularity",
            "Circularity",
            "4π times the area by the square of the perimeter: 1 for a disc, less for any other "
            "shape. At most 1: on a grid the smallest objects would have more.",
            ndim=(2,),
        ),
        Feature(
            "surface_area",
            "Surface area",
            "Area of the border, of holes too, by the local configurations of the voxels at it. "
            f"{_CUT} Balls come out right. Flat faces along the axes come out 7 % small, across "
            "voxels five times as long as wide 27 %; a single cube of a voxel has 5.07 times the "
            "area of its face.",
            2,
            ndim=(3,),
            source=_LINDBLAD,
        ),
        Feature(
            "sphericity",
            "Sphericity",
            "Surface of the ball of the same volume by the surface area: 1 for a ball, less for "
            "any other shape. At most 1: on a grid small balls could have more.",
            ndim=(3,),
        ),
        Feature(
            "euler_number",
            "Euler number",
            "Parts minus holes; in 3D parts plus cavities minus tunnels. Voxels that share a "
            "corner are connected.",
            source="Ohser, Nagel & Schladitz, 2002, Lecture Notes in Physics 600, 275-298",
        ),
    ),
    _surface,
)
