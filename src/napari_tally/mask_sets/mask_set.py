"""Objects that a network found in an image: scores, classes, boxes, and masks drawn on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .masks import RunMasks
from .patch import Patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .frame import Boxes
    from .masks import Indices, Masks


@dataclass(frozen=True, eq=False)
class MaskSet:
    """Objects in an image, which may overlap.

    Nothing of the size objects x image is made: a mask is drawn when it is needed, in its box.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the image.
    scores : ndarray of float32, shape (n,)
    classes : ndarray of int, shape (n,)
        Class ids from 1.
    boxes : ndarray of float32, shape (n, 4)
        (y0, x0, y1, x1) in px of the image, from its corner.
    masks : Masks, optional
        None if the network returns boxes alone.
    class_names : tuple of str
        Names in the order of the class ids; may be empty.

    Raises
    ------
    InputError
        If the lengths differ.
    """

    shape: tuple[int, int]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    boxes: Boxes
    masks: Masks | None = None
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.classes) == len(self.boxes):
            raise InputError(
                f"There are {len(self.scores)} scores, {len(self.classes)} classes and "
                f"{len(self.boxes)} boxes of the objects"
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls, shape: tuple[int, int], class_names: tuple[str, ...] = ()) -> MaskSet:
        """Return no objects."""
        none = np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
        return cls(shape, *none, RunMasks.of([]), class_names)

    @classmethod
    def of_patches(
        cls,
        shape: tuple[int, int],
        patches: Sequence[Patch],
        scores: NDArray[np.floating],
        classes: NDArray[np.integer],
        class_names: tuple[str, ...] = (),
    ) -> MaskSet:
        """Return objects of which the masks are known; empty ones are left out."""
        trimmed = [p.trimmed() for p in patches]
        kept = np.array([p.mask.size > 0 for p in trimmed], bool)
        full = [p for p in trimmed if p.mask.size]
        boxes = [(p.box[0].start, p.box[1].start, p.box[0].stop, p.box[1].stop) for p in full]
        return cls(
            shape,
            np.asarray(scores, np.float32)[kept],
            np.asarray(classes, np.int64)[kept],
            np.array(boxes, np.float32).reshape(-1, 4),
            RunMasks.of(full),
            class_names,
        )

    @classmethod
    def of_labels(
        cls,
        labels: NDArray[np.integer],
        scores: NDArray[np.floating] | None = None,
        classes: NDArray[np.integer] | None = None,
        class_names: tuple[str, ...] = (),
    ) -> MaskSet:
        """Return the objects of a label image, shape (Y, X), with ids from 1."""
        from scipy.ndimage import find_objects

        found = [(n, box) for n, box in enumerate(find_objects(labels), 1) if box is not None]
        rows = np.array([n - 1 for n, _ in found], np.int64)
        patches = [Patch(b[0].start, b[1].start, labels[b] == n) for n, b in found]
        height, width = labels.shape
        return cls.of_patches(
            (height, width),
            patches,
            np.ones(len(rows)) if scores is None else scores[rows],
            np.ones(len(rows), int) if classes is None else classes[rows],
            class_names,
        )

    def take(self, indices: Indices) -> MaskSet:
        """Return some of the objects, in that order."""
        masks = None if self.masks is None else self.masks.take(indices)
        own = self.scores[indices], self.classes[indices], self.boxes[indices]
        return MaskSet(self.shape, *own, masks, self.class_names)

    def best_first(self) -> MaskSet:
        """Return the objects by falling score."""
        return self.take(np.argsort(-self.scores, kind="stable"))

    def draw(self, index: int) -> Patch:
        """Return the mask of an object in its box.

        Raises
        ------
        InputError
            If there are only boxes.
        """
        if self.masks is None:
            raise InputError(
                "This model returns boxes without masks",
                hint="Show the boxes, or use a model that segments",
            )
        return self.masks.draw(index)

    def class_name(self, class_id: int) -> str:
        """Return the name of a class: "class 3" if it has none."""
        names = self.class_names
        return names[class_id - 1] if 0 < class_id <= len(names) else f"class {class_id}"
