"""The objects of one 2D image, as annotation formats hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.full_masks import FullMasks

Ids = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class ObjectImage:
    """Objects and classes of an image (Y, X).

    Attributes
    ----------
    file_name : str
        Of the image.
    labels : ndarray of int, shape (Y, X)
        Ids of objects from 1, of the one in front.
    class_of : ndarray of int, shape (ids + 1,)
        Class id of each object by its id, from 1; entry 0 is not used.
    classes : ndarray of int, shape (Y, X), optional
        Class ids of things and stuff.
    scores : ndarray of float, shape (ids + 1,), optional
        By id.
    full : FullMasks
        The full masks of objects of which others cover a part.
    boxes : ndarray of float, shape (n, 4), optional
        (y0, x0, y1, x1) of objects without masks; row i has the id i + 1.
    known : ndarray of bool, shape (Y, X), optional
        False where nothing is known: the void of Pascal VOC and Cityscapes.
    """

    file_name: str
    labels: Ids
    class_of: Ids
    classes: Ids | None = None
    scores: NDArray[np.floating[Any]] | None = None
    full: FullMasks = field(default_factory=FullMasks)
    boxes: NDArray[np.floating[Any]] | None = None
    known: NDArray[np.bool_] | None = None

    def class_image(self) -> Ids:
        """Return the class id of each pixel, from the objects if there is no class image."""
        if self.classes is not None:
            return self.classes
        return np.where(self.labels > 0, np.asarray(self.class_of)[self.labels], 0)
