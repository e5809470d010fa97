"""Queries with class logits and mask logits: DETR, MaskFormer, Mask2Former, OneFormer, EoMT."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..mask_set import MaskSet
from ..masks import GridMasks, Masks
from .box_layouts import query_scores
from .detections import Candidates, DetectionReading, best_class
from .reading import Array, Found, Kind, Outputs, Reading, sigmoid, without_batch

if TYPE_CHECKING:
    from ..frame import Frame


class Queries(DetectionReading):
    """One object per query: its best class, and the pixels where its mask logit is above 0.

    With `mask_quality`, a score is the probability of the class times the mean probability of the
    mask inside of it, as in Mask2Former (Cheng et al., 2022,
    https://doi.org/10.1109/CVPR52688.2022.00135). Carion et al., 2020 (DETR),
    https://doi.org/10.1007/978-3-030-58452-8_13.
    """

    kind: ClassVar[Kind] = "masks"
    takes: ClassVar[str] = "class logits (1, queries, classes) and mask logits (1, queries, h, w)"

    name: Literal["queries"] = "queries"
    no_object: Literal["last", "none"] = Field(
        "last", description="Whether the last class stands for no object."
    )
    activation: Literal["softmax", "sigmoid"] = Field(
        "softmax", description="How class logits become probabilities."
    )
    mask_quality: bool = Field(
        True, description="Multiply scores by the mean probability of the mask inside of it."
    )
    score_threshold: float = Field(
        0.5, ge=0, le=1, description="Objects with a lower score are left out."
    )

    def read(self, outputs: Outputs, frame: Frame) -> Found:
        """Return the objects of an image."""
        logits, masks = query_arrays(self, outputs, least=1 + (self.no_object == "last"))
        scores = query_scores(logits, self.no_object, self.activation)
        rows, top, classes = best_class(scores, self.score_threshold)
        if self.mask_quality:
            top = top * np.array([_quality(masks[row]) for row in rows], np.float32)
        boxes = np.array([_box(masks[row], frame) for row in rows]).reshape(-1, 4)
        found = Candidates(boxes, top.astype(np.float32), classes, rows)
        kept, on_image = self.remaining(found, frame, suppress=False)
        drawn: Masks = GridMasks(masks, kept.rows, frame)
        own = kept.scores, kept.classes + 1, on_image
        return Found(MaskSet(frame.shape, *own, drawn, self.classes))


def query_arrays(reading: Reading, outputs: Outputs, least: int) -> tuple[Array, Array]:
    """Return class logits (queries, classes), at least so many, and mask logits (queries, h, w)."""
    arrays = reading.chosen(outputs)
    masks = [(n, a) for n, a in arrays.items() if a.ndim == 4]
    flat = [(n, a) for n, a in arrays.items() if a.ndim == 3]
    if not masks and len(flat) == 1 and not reading.outputs:  # without batch
        masks, flat = flat, [(n, a) for n, a in arrays.items() if a.ndim == 2]
    masks = masks if len(masks) < 2 else [m for m in masks if "mask" in m[0].lower()][:1]
    if len(masks) != 1:
        reading.refuse(outputs)
    planes = without_batch(masks[0][1], 3)
    flat = [(n, without_batch(a, 2)) for n, a in flat]
    flat = [(n, a) for n, a in flat if len(a) == len(planes) and "box" not in n.lower()]
    if len(flat) > 1:
        named = [f for f in flat if any(w in f[0].lower() for w in ("logit", "class", "label"))]
        flat = (named or [f for f in flat if f[1].shape[1] != 4] or flat)[:1]
    if len(flat) != 1 or flat[0][1].shape[1] < least:
        reading.refuse(outputs)
    return flat[0][1], planes


def _quality(mask: Array) -> float:
    """Return the mean probability of a mask inside of it; 0 for an empty one."""
    inside = mask[mask > 0]
    return float(sigmoid(inside).mean()) if inside.size else 0.0


def _box(mask: Array, frame: Frame) -> tuple[float, float, float, float]:
    """Return the box (x0, y0, x1, y1) of a mask in px of the input; empty for an empty mask."""
    inside = mask > 0
    ends = []
    for axis in (1, 0):
        at = np.flatnonzero(inside.any(axis=1 - axis))
        step = frame.input_shape[axis] / mask.shape[axis]
        ends.append((at[0] * step, (at[-1] + 1) * step) if len(at) else (0.0, 0.0))
    (x0, x1), (y0, y1) = ends
    return x0, y0, x1, y1
