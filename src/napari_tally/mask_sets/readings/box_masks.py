"""A mask for each box: Mask R-CNN, and the coarse head of PointRend."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..mask_set import MaskSet
from ..masks import BoxedMasks, GridMasks, Masks
from .detections import DetectionReading
from .lists import lists_of
from .reading import Array, Found, Kind, Outputs, sigmoid

if TYPE_CHECKING:
    from ..frame import Frame


class BoxMasks(DetectionReading):
    """Boxes, scores, labels and a mask of probabilities in each box.

    Detectron2 returns them on a small grid (28 x 28), which is sampled at the centres of pixels;
    torchvision returns them pasted into the image. He et al., 2017 (Mask R-CNN),
    https://doi.org/10.1109/ICCV.2017.322; Kirillov et al., 2020 (PointRend),
    https://doi.org/10.1109/CVPR42600.2020.00982.
    """

    kind: ClassVar[Kind] = "masks"
    takes: ClassVar[str] = "boxes (n, 4), labels (n), scores (n) and masks (n, 1, h, w)"

    name: Literal["box-masks"] = "box-masks"
    pasted: bool = Field(
        False, description="Whether masks have the size of the input, not a small grid in the box."
    )
    first_class: int | None = Field(
        None,
        ge=0,
        le=1,
        description="Label of the first class. Default: 1 for pasted masks (torchvision), where 0 "
        "is the background, else 0 (Detectron2).",
    )
    activation: Literal["none", "sigmoid"] = Field(
        "none", description="How mask values become probabilities."
    )
    mask_threshold: float = Field(
        0.5, gt=0, lt=1, description="Probability from which a pixel belongs to the object."
    )

    def read(self, outputs: Outputs, frame: Frame) -> Found:
        """Return the objects of an image."""
        first = int(self.pasted) if self.first_class is None else self.first_class
        lists = lists_of(self, outputs, first)
        values = self._planes(outputs, lists.masks, lists.found.classes, lists.found.rows)
        kept, boxes = self.remaining(lists.found, frame, suppress=False)
        masks: Masks
        if self.pasted:
            masks = GridMasks(values, kept.rows, frame, self.mask_threshold, boxes)
        else:
            small = values[kept.rows]
            small = sigmoid(small) if self.activation == "sigmoid" else small
            own = frame.on_image(np.asarray(kept.boxes, np.float32)[:, [1, 0, 3, 2]])
            masks = BoxedMasks(small, own, frame.shape, self.mask_threshold)
        classes = kept.classes + 1
        return Found(MaskSet(frame.shape, kept.scores, classes, boxes, masks, self.classes))

    def _planes(self, outputs: Outputs, masks: Array | None, classes: Array, rows: Array) -> Array:
        """Return masks of shape (n, h, w), those of each object's class."""
        if masks is None:
            self.refuse(outputs, "no masks")
        count = self._count(outputs)
        if masks.ndim == 5 and masks.shape[0] == 1:
            masks = masks[0]
        if masks.ndim == 4 and masks.shape[0] == 1 and masks.shape[1] == count and count != 1:
            masks = masks[0]
        if len(masks) != count:
            self.refuse(outputs, f"{len(masks)} masks of {count} boxes")
        if masks.ndim == 3:
            return masks
        if masks.shape[1] == 1:
            return masks[:, 0]
        if not len(classes) or classes.max() >= masks.shape[1]:
            self.refuse(outputs, f"masks of {masks.shape[1]} classes")
        chosen = np.zeros((count, *masks.shape[2:]), masks.dtype)
        chosen[rows] = masks[rows, classes]
        return chosen

    def _count(self, outputs: Outputs) -> int:
        boxes = (a for a in self.chosen(outputs).values() if a.ndim < 4 and a.shape[-1] == 4)
        return int(next(boxes).shape[-2])
