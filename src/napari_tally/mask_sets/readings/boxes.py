"""Boxes alone: YOLO, YOLOR, RT-DETR, YOLOS, SSD, Faster R-CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ..mask_set import MaskSet
from .box_layouts import (
    decode_end_to_end,
    decode_levels,
    decode_priors,
    decode_queries,
    decode_v5,
    decode_v8,
)
from .detections import Candidates, DetectionReading
from .lists import lists_of
from .reading import Array, Found, Kind, Outputs, without_batch

if TYPE_CHECKING:
    from ..frame import Frame

# Of YOLOv7 and YOLOP v2, from stride 8 on: width and height, px.
_ANCHORS = (12.0, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401)


class Boxes(DetectionReading):
    """Boxes with scores and classes; no labels are made of them."""

    kind: ClassVar[Kind] = "boxes"
    takes: ClassVar[str] = (
        "boxes (1, n, values) or (1, values, n); for queries class logits (1, n, classes) and "
        "boxes (1, n, 4); for lists boxes (n, 4), labels (n) and scores (n); for ssd offsets, "
        "class logits and priors; for levels one array per stride"
    )

    name: Literal["boxes"] = "boxes"
    layout: Literal["v5", "v8", "end_to_end", "queries", "lists", "ssd", "levels"] = Field(
        "v8", description="How boxes, scores and classes are stored."
    )
    no_object: Literal["last", "none"] = Field(
        "none", description="Of queries: whether the last class stands for no object."
    )
    activation: Literal["softmax", "sigmoid"] = Field(
        "sigmoid", description="Of queries: how class logits become probabilities."
    )
    first_class: int = Field(1, ge=0, le=1, description="Of lists: label of the first class.")
    anchors: tuple[float, ...] = Field(
        _ANCHORS, description="Of levels: width and height of the anchors, px, finest level first."
    )

    def read(self, outputs: Outputs, frame: Frame) -> Found:
        """Return the boxes in an image."""
        found = self._candidates(outputs, frame)
        selected = self.layout in ("end_to_end", "queries", "lists")
        kept, boxes = self.remaining(found, frame, suppress=not selected)
        classes = kept.classes + 1
        return Found(MaskSet(frame.shape, kept.scores, classes, boxes, None, self.classes))

    def _candidates(self, outputs: Outputs, frame: Frame) -> Candidates:
        least, size = self.score_threshold, frame.input_shape
        if self.layout == "lists":
            return lists_of(self, outputs, self.first_class).found
        if self.layout == "levels":
            return self._levels(outputs, size)
        if self.layout == "queries":
            logits, boxes = self._flat(outputs, 2)
            if boxes.shape[1] != 4 or len(logits) != len(boxes):
                logits, boxes = boxes, logits
            if boxes.shape[1] != 4 or len(logits) != len(boxes):
                self.refuse(outputs)
            return decode_queries(logits, boxes, size, self.no_object, self.activation)
        if self.layout == "ssd":
            offsets, logits, priors = self._flat(outputs, 3)
            if offsets.shape != priors.shape or len(logits) != len(priors):
                self.refuse(outputs)
            return decode_priors(offsets, logits, priors, size, least)
        (rows,) = self._flat(outputs, 1)
        values = rows.shape[0] if self.layout == "v8" else rows.shape[1]
        needed = {"v5": 5, "v8": 5, "end_to_end": 6}[self.layout]
        if values < needed or (self.layout == "end_to_end" and values != needed):
            self.refuse(outputs, f"{values} values a box")
        if self.layout == "v5":
            return decode_v5(rows, 0, least)
        return decode_v8(rows, 0, least) if self.layout == "v8" else decode_end_to_end(rows)

    def _flat(self, outputs: Outputs, count: int) -> list[Array]:
        """Return so many arrays of rows; others, such as raw levels, are passed over."""
        arrays = [a for a in self.chosen(outputs).values() if a.ndim in (2, 3)]
        if len(arrays) != count:
            self.refuse(outputs)
        return [without_batch(a, 2) for a in arrays]

    def _levels(self, outputs: Outputs, size: tuple[int, int]) -> Candidates:
        arrays = [a for a in self.chosen(outputs).values() if a.ndim in (4, 5)]
        levels = [without_batch(a, a.ndim - 1) for a in arrays]
        per_level = len(self.anchors) // (2 * len(levels)) if levels else 0
        fit = per_level and len(self.anchors) == 2 * len(levels) * per_level
        if not fit or any(
            (a.shape[0] != per_level if a.ndim == 4 else a.shape[0] % per_level) for a in levels
        ):
            self.refuse(outputs, f"{len(self.anchors) // 2} anchors")
        return decode_levels(levels, size, self.anchors, self.score_threshold)
