"""Panoptic merge: things in front of stuff, one class and at most one object a pixel.

Kirillov et al., 2019, https://doi.org/10.1109/CVPR.2019.00963.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.label_ids import renumbered
from ..objects.relabel import smallest
from .resolve import Resolve, Resolved, resolve

if TYPE_CHECKING:
    from .mask_set import MaskSet


class PanopticMerge(Resolve):
    """How things and stuff become one class image."""

    min_stuff: int = Field(
        0, ge=0, description="Regions of stuff of fewer pixels in an image become background."
    )


@dataclass(frozen=True, eq=False)
class Merged:
    """Things as labels, and the class of each pixel.

    Attributes
    ----------
    things : Resolved
    classes : ndarray of uint8 or uint16, shape (Y, X)
        Class ids of things and stuff; 0 is the background.
    """

    things: Resolved
    classes: NDArray[np.integer]


def panoptic_merge(
    objects: MaskSet,
    stuff: NDArray[np.integer] | None = None,
    stuff_classes: Collection[int] = (),
    options: PanopticMerge | None = None,
) -> Merged:
    """Return things in front of stuff.

    Parameters
    ----------
    objects : MaskSet
        Things; of a network with one query a segment (Mask2Former) stuff, too.
    stuff : ndarray of int, shape (Y, X), optional
        Class ids of a class map, behind all objects; 0 where there is none.
    stuff_classes : collection of int
        Classes of objects that are stuff: their regions are joined, and get no label.
    """
    options = options or PanopticMerge()
    resolved = resolve(objects, options)
    own = np.concatenate([[0], resolved.objects.classes])
    behind = np.zeros(objects.shape, np.int64) if stuff is None else np.asarray(stuff, np.int64)
    most = int(max(own.max(), behind.max(initial=0)))
    few = most <= np.iinfo(np.uint8).max
    front = renumbered(resolved.labels, own)
    classes: NDArray[np.integer] = np.where(front > 0, front, behind).astype(
        np.uint8 if few else np.uint16
    )
    is_stuff = np.isin(own, list(stuff_classes))
    is_stuff[0] = False
    things = _without(resolved, is_stuff) if is_stuff.any() else resolved
    return Merged(things, _without_small_stuff(classes, things.labels, options.min_stuff))


def _without(resolved: Resolved, dropped: NDArray[np.bool_]) -> Resolved:
    """Return resolved objects without some ids, the others numbered from 1."""
    kept = np.flatnonzero(~dropped)[1:]
    new = np.zeros(len(dropped), smallest(len(kept)))
    new[kept] = np.arange(1, len(kept) + 1)
    ids: dict[int, int] = {int(old): int(new[old]) for old in kept}
    return replace(
        resolved,
        labels=renumbered(resolved.labels, new),
        objects=resolved.objects.take(kept - 1),
        full=resolved.full.renumbered(ids),
        area=resolved.area[kept - 1],
        visible=resolved.visible[kept - 1],
    )


def _without_small_stuff(
    classes: NDArray[np.integer], labels: NDArray[np.integer], least: int
) -> NDArray[np.integer]:
    if least <= 1:
        return classes
    stuff = np.where(labels == 0, classes, 0)
    sizes = np.bincount(stuff.ravel())
    small = np.flatnonzero((sizes > 0) & (sizes < least))
    return np.where(np.isin(stuff, small[small > 0]), 0, classes).astype(classes.dtype)
