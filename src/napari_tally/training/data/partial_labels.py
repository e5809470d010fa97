"""Labels that are complete in a part of an image only: a painted region, some slices of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...heads.panoptic import Panoptic

if TYPE_CHECKING:
    from ...heads.base import Head

Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
_HIDDEN = 0.5  # share of an object outside of the known region from which on it is not scored


def settled(head: Head, labels: Labels, region: Mask) -> Mask:
    """Return where the labels can be learnt: in the region, without objects that it cuts.

    An object that ends where the region ends was cut off: where its border and its centre are is
    not known. One that is painted beyond the region is whole.

    Raises
    ------
    InputError
        If the region is of another shape, or nothing is left of it.
    """
    if region.shape != labels.shape:
        raise InputError(
            f"A mask of the labels' shape {labels.shape} is needed", f"one of {region.shape}"
        )
    known = region if not head.finds_objects else region & ~_cut(_objects(head, labels), region)
    if not known.any():
        raise InputError(
            "A region with at least one whole object is needed",
            "a mask that is empty" if not region.any() else "one that cuts every object in it",
        )
    return known


def _cut(objects: Labels, region: Mask) -> Mask:
    from scipy.ndimage import binary_dilation

    open_end = binary_dilation(~region & (objects == 0), np.ones((3,) * objects.ndim))
    touching = np.unique(objects[region & open_end])
    whole = np.unique(objects[~region])
    cut = np.setdiff1d(touching, whole)
    found: Mask = np.isin(objects, cut[cut > 0])
    return found


def _objects(head: Head, labels: Labels) -> Labels:
    return head.parted(labels)[0] if isinstance(head, Panoptic) else labels


def scored(head: Head, labels: Labels, known: Mask | None) -> Labels:
    """Return labels without what lies where the truth is not known.

    Classes are taken away voxel by voxel; objects as a whole if most of them lies there.
    """
    if known is None:
        return labels
    objects = _objects(head, labels).astype(np.int64)
    if not head.finds_objects:
        return np.where(known, labels, 0)
    size = np.bincount(objects.ravel())
    hidden = np.bincount(objects[~known].ravel(), minlength=len(size)) > _HIDDEN * size
    hidden[0] = False
    away = hidden[objects] | (~known & (objects == 0))
    kept: Labels = np.where(away, 0, labels)
    return kept
