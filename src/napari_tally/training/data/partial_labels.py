"""Partial labels: complete only in an annotated region, such as some slices of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError

if TYPE_CHECKING:
    from ...heads.base import Head

Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
_HIDDEN = 0.5  # share of an object outside of the annotated region from which it is not scored


def settled(head: Head, labels: Labels, region: Mask) -> Mask:
    """Return the annotated region without objects cut by its border.

    The outline and centre of an object that ends at the border of the region are unknown. An
    object that is painted beyond the border is complete.

    Raises
    ------
    InputError
        If the region is of another shape, or nothing is left of it.
    """
    if region.shape != labels.shape:
        raise InputError(f"The mask has shape {region.shape} but the labels {labels.shape}")
    known = region
    if head.finds_objects:
        known = region & ~_cut(head.object_ids(labels), region)
    if not known.any():
        wrong = "cuts every object in it" if region.any() else "is empty"
        raise InputError(
            f"The annotated region {wrong}", hint="Annotate a region with at least one whole object"
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


def scored(head: Head, labels: Labels, known: Mask | None) -> Labels:
    """Return labels without objects and classes outside of the annotated region.

    Classes are removed voxel by voxel; objects as a whole if most of an object is outside.
    """
    if known is None:
        return labels
    if not head.finds_objects:
        return np.where(known, labels, 0)
    objects = head.object_ids(labels).astype(np.int64)
    size = np.bincount(objects.ravel())
    hidden = np.bincount(objects[~known].ravel(), minlength=len(size)) > _HIDDEN * size
    hidden[0] = False
    outside = hidden[objects] | (~known & (objects == 0))
    inside: Labels = np.where(outside, 0, labels)
    return inside
