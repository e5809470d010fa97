"""Edits of whole objects of a label layer, each one step of its undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Labels


def remove_objects(layer: Labels, ids: NDArray[np.integer]) -> int:
    """Remove objects from a layer, return how many there were."""
    array = np.asarray(layer.data)
    where = np.isin(array, ids) & (array > 0)
    if where.any():
        layer.data_setitem(np.nonzero(where), 0)
    return len(ids)
