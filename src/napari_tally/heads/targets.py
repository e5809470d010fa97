"""What several heads make from labels: the distance to the border, the centres of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import edt
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .base import Labels


def normalized_distance(labels: Labels) -> NDArray[np.float32]:
    """Return the distance to the border of each object, its largest being 1."""
    distance: NDArray[np.float32] = edt.edt(np.ascontiguousarray(labels), black_border=False)
    distance[np.isinf(distance)] = 1  # one object that fills the image has no border
    ids, inside = labels[labels > 0], distance[labels > 0]
    peak = np.ones(int(labels.max(initial=0)) + 1, np.float32)
    np.maximum.at(peak, ids, inside)
    distance[labels > 0] = inside / peak[ids]
    return distance


def centers(labels: Labels) -> NDArray[np.intp]:
    """Return the voxel of each object that is nearest to its centroid, shape (ids + 1, ndim)."""
    place = np.argwhere(labels > 0)
    ids = labels[labels > 0].astype(np.intp)
    size = np.maximum(np.bincount(ids, minlength=1), 1)
    centroid = np.stack([np.bincount(ids, p, minlength=1) / size for p in place.T], 1)
    away = ((place - centroid[ids]) ** 2).sum(1)
    order = np.lexsort((away, ids))
    kept, first = np.unique(ids[order], return_index=True)
    found = np.zeros(centroid.shape, np.intp)
    found[kept] = place[order[first]]
    return found
