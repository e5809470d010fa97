"""What labels are: ids of objects, of classes, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..core.components import components

if TYPE_CHECKING:
    from .labelled import Labelled

Kind = Literal["instances", "classes", "panoptic"]
_FEW_IDS = 20  # more than these are no classes
_FEW_PIECES = 4  # ids up to here that are the same in most images are classes, in one piece too
_SAME = 2 / 3  # share of the images that is most


def kind_of(pairs: Sequence[Labelled]) -> Kind:
    """Tell whether labels are ids of objects or of classes.

    Few ids of which many have several pieces are classes, and so are very few ids that are the
    same in most of at least three images.
    """
    if any(pair.classes is not None for pair in pairs):
        return "panoptic"
    arrays = [np.asarray(pair.labels.array) for pair in pairs]
    held = [frozenset(np.unique(a).tolist()) - {0} for a in arrays]
    held = [ids for ids in held if ids]
    if len(frozenset().union(*held)) > _FEW_IDS:
        return "instances"
    pieces = sum(int(components(a).max(initial=0)) for a in arrays)
    if pieces > 1.5 * sum(len(ids) for ids in held):
        return "classes"
    usual = max(held.count(ids) for ids in held)
    same = len(held) >= 3 and usual >= _SAME * len(held)
    return "classes" if same and max(map(len, held)) <= _FEW_PIECES else "instances"
