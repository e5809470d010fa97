"""Inference of the kind of labels: ids of objects or of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...core.connected_components import components

if TYPE_CHECKING:
    from ...heads.base import Kind
    from .labelled_image import Labelled

_FEW_IDS = 20  # more than these are no classes
_FEW_PIECES = 4  # ids up to here that are the same in most images are classes, in one piece too
_SAME = 2 / 3  # share of the images that is most


def kind_of(images: Sequence[Sequence[Labelled]]) -> Kind:
    """Return whether labels are ids of objects or of classes.

    Few ids, many of which have several connected components, are classes; so are very few ids that
    recur in most of at least three images.

    Parameters
    ----------
    images : sequence of sequence of Labelled
        The planes of each image: an object may extend over several.
    """
    planes = [plane for image in images for plane in image]
    if any(plane.classes is not None for plane in planes):
        return "panoptic"
    ids_by_image = [[_ids(plane) for plane in image] for image in images]
    held = [ids for ids in (frozenset[int]().union(*image) for image in ids_by_image) if ids]
    if len(frozenset().union(*held)) > _FEW_IDS:
        return "instances"
    count = sum(int(components(plane.labels.array).max(initial=0)) for plane in planes)
    if count > 1.5 * sum(len(ids) for image in ids_by_image for ids in image):
        return "classes"
    usual = max(held.count(ids) for ids in held)
    same = len(held) >= 3 and usual >= _SAME * len(held)
    return "classes" if same and max(map(len, held)) <= _FEW_PIECES else "instances"


def _ids(plane: Labelled) -> frozenset[int]:
    return frozenset(np.unique(plane.labels.array).tolist()) - {0}
