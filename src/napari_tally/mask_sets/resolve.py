"""From overlapping objects to a label image: the best score is in front.

Kirillov et al., 2019 (panoptic segmentation), https://doi.org/10.1109/CVPR.2019.00963.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.full_masks import FullMask, FullMasks
from ..core.jit import compiled
from ..core.options import Options
from ..core.run_lengths import encoded
from ..objects.relabel import smallest

if TYPE_CHECKING:
    from .mask_set import MaskSet
    from .patch import Patch


class Resolve(Options):
    """How overlapping objects become labels, one object a pixel."""

    least_visible: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of an object that must stay visible behind objects with better scores; "
        "objects of which less is visible are dropped.",
    )
    min_pixels: int = Field(
        1, ge=1, description="Objects of which fewer pixels are visible are dropped."
    )


@dataclass(frozen=True, eq=False)
class Resolved:
    """The objects of an image as labels.

    Attributes
    ----------
    labels : ndarray of uint16 or uint32, shape (Y, X)
        Ids from 1 by falling score.
    objects : MaskSet
        The objects that are visible; row i has the id i + 1.
    full : FullMasks
        The masks of those of which others cover a part.
    area, visible : ndarray of int, shape (n,)
        Pixels of the full mask, and those of them in `labels`.
    """

    labels: NDArray[np.integer]
    objects: MaskSet
    full: FullMasks
    area: NDArray[np.int64]
    visible: NDArray[np.int64]


def resolve(objects: MaskSet, options: Resolve | None = None) -> Resolved:
    """Return objects as labels: each keeps the pixels that no better one has.

    An object is dropped if less of it stays visible than `options.least_visible`; it then covers
    nothing. The full masks of the others are kept where they overlap.

    Raises
    ------
    InputError
        If there are only boxes.
    """
    options = options or Resolve()
    ordered = objects.best_first()
    labels = np.zeros(objects.shape, smallest(len(objects)))
    kept, areas, visible, full = [], [], [], []
    for row in range(len(ordered)):
        patch = ordered.draw(row)
        part = labels[patch.box]
        area, free = _count(patch.mask, part)
        if free < options.min_pixels or free < options.least_visible * area:
            continue
        kept.append(row)
        areas.append(area)
        visible.append(free)
        _paint(patch.mask, part, len(kept))
        if free < area:
            full.append(_full_mask(patch, len(kept)))
    found = ordered.take(np.array(kept, np.int64))
    labels = labels.astype(smallest(len(kept)), copy=False)
    counts = np.array(areas, np.int64), np.array(visible, np.int64)
    return Resolved(labels, found, FullMasks(tuple(full)), *counts)


def _full_mask(patch: Patch, label: int) -> FullMask:
    trimmed = patch.trimmed()
    height, width = trimmed.mask.shape
    at = trimmed.top, trimmed.left
    return FullMask(label, at, (height, width), encoded(trimmed.mask))


@compiled()
def _count(mask: NDArray[np.bool_], labels: NDArray[np.integer]) -> tuple[int, int]:
    area, free = 0, 0
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            if mask[y, x]:
                area += 1
                free += labels[y, x] == 0
    return area, free


@compiled()
def _paint(mask: NDArray[np.bool_], labels: NDArray[np.integer], label: int) -> None:
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            if mask[y, x] and labels[y, x] == 0:
                labels[y, x] = label
