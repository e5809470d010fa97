"""Connected components of each object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..declare.feature import Columns, Cost, Feature, Group

if TYPE_CHECKING:
    from ..declare.object_data import Objects


def _pieces(objects: Objects) -> Columns:
    import cc3d
    import fastremap

    parts = cc3d.connected_components(objects.labels, connectivity=8 if objects.ndim == 2 else 26)
    owners = fastremap.component_map(parts, objects.labels)
    owners.pop(0, None)
    count = np.bincount(np.fromiter(owners.values(), np.int64), minlength=len(objects) + 1)
    return {"pieces": count[1:]}


PIECES = Group(
    "pieces",
    "Connected components",
    Cost.SOME,
    (
        Feature(
            "pieces",
            "Connected components",
            "Number of connected components (full connectivity: corners connect). More than one "
            "means a label that was used twice, or a fragmented object.",
        ),
    ),
    _pieces,
)
