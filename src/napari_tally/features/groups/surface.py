"""Perimeter or surface area, roundness and Euler number."""

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
_CUT = "Faces at the image border count."


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
            "Crofton perimeter in four directions, including holes. "
            f"{_CUT} Unbiased for discs; edges along the axes are underestimated by 5 %, edges "
            "between the directions overestimated by up to 3 %. A single pixel has 2.68 times its "
            "side.",
            1,
            ndim=(2,),
            source=_CROFTON,
        ),
        Feature(
            "circularity",
            "Circularity",
            "4π · area / perimeter²: 1 for a disc, less for other shapes. Clipped to 1, which the "
            "smallest objects would exceed on a pixel grid.",
            ndim=(2,),
        ),
        Feature(
            "surface_area",
            "Surface area",
            "Area of the surface, including cavities, from local configurations of 2 × 2 × 2 "
            f"voxels. {_CUT} Unbiased for balls; flat faces along the axes are underestimated by "
            "7 % (27 % for voxels five times as long as wide). A single cubic voxel has 5.07 times "
            "the area of its face.",
            2,
            ndim=(3,),
            source=_LINDBLAD,
        ),
        Feature(
            "sphericity",
            "Sphericity",
            "Surface area of the ball with the same volume divided by the surface area: 1 for a "
            "ball, less for other shapes. Clipped to 1, which small balls could exceed on a grid.",
            ndim=(3,),
        ),
        Feature(
            "euler_number",
            "Euler number",
            "Connected components minus holes; in 3D connected components plus cavities minus "
            "tunnels. Full connectivity: voxels that share a corner are connected.",
            source="Ohser, Nagel & Schladitz, 2002, Lecture Notes in Physics 600, 275-298",
        ),
    ),
    _surface,
)
