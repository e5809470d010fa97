"""Boxes with coefficients of prototype masks: YOLACT, and YOLOv5, 7, 8, 11 and 26 for masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..mask_set import MaskSet
from ..masks import PrototypeMasks
from .box_layouts import Layout, decode_end_to_end, decode_priors, decode_v5, decode_v8
from .detections import Candidates, DetectionReading
from .reading import Array, Found, Kind, Outputs, without_batch

if TYPE_CHECKING:
    from ..frame import Frame

_YOLACT = "loc", "conf", "mask", "priors", "proto"


class Prototypes(DetectionReading):
    """Boxes, each with coefficients for masks that all objects share.

    Masks of YOLO: logits are interpolated to the image, thresholded at 0 and cropped at
    `ceil(x0) <= x < ceil(x1)`, as Ultralytics does it. Masks of YOLACT: a sigmoid, cropped with a
    margin of one cell, interpolated and thresholded at 0.5; (prior, class) pairs are candidates,
    and suppression runs within a class. Bolya et al., 2019,
    https://doi.org/10.1109/ICCV.2019.00925.
    """

    kind: ClassVar[Kind] = "masks"
    takes: ClassVar[str] = (
        "boxes with coefficients (1, n, values) or (1, values, n) and prototypes (1, k, h, w); "
        "for yolact loc, conf, mask, priors and proto"
    )

    name: Literal["prototypes"] = "prototypes"
    layout: Layout = Field("v8", description="How boxes, scores and coefficients are stored.")

    def read(self, outputs: Outputs, frame: Frame) -> Found:
        """Return the objects of an image."""
        if self.layout == "yolact":
            found, coefficients, prototypes = self._yolact(outputs, frame)
        else:
            found, coefficients, prototypes = self._yolo(outputs)
        yolact = self.layout == "yolact"
        suppress = self.layout != "end_to_end"
        kept, boxes = self.remaining(found, frame, suppress=suppress, fast=yolact)
        masks = PrototypeMasks(
            np.ascontiguousarray(prototypes, np.float32),
            np.ascontiguousarray(coefficients[kept.rows], np.float32),
            boxes,
            frame,
            "cells" if yolact else "image",
        )
        classes = kept.classes + 1
        return Found(MaskSet(frame.shape, kept.scores, classes, boxes, masks, self.classes))

    def _yolo(self, outputs: Outputs) -> tuple[Candidates, Array, Array]:
        """Return candidates, their coefficients by row, and prototypes (k, h, w)."""
        arrays = list(self.chosen(outputs).values())
        flat = [a for a in arrays if a.ndim in (2, 3)]
        planes = [a for a in arrays if a.ndim == 4]
        if not planes and len(flat) == 2 and {a.ndim for a in flat} == {2, 3}:
            planes = [a for a in flat if a.ndim == 3]  # without batch
            flat = [a for a in flat if a.ndim == 2]
        if len(flat) != 1 or len(planes) != 1:
            self.refuse(outputs)
        rows, prototypes = without_batch(flat[0], 2), without_batch(planes[0], 3)
        count, before = len(prototypes), {"v5": 5, "v8": 4, "end_to_end": 6}[self.layout]
        values = rows.shape[0] if self.layout == "v8" else rows.shape[1]
        classes = values - before - count
        if (classes != 0) if self.layout == "end_to_end" else (classes < 1):
            self.refuse(outputs, f"{values} values, of which {before} for the box, {count} masks")
        if self.layout == "v8":
            return decode_v8(rows, count, self.score_threshold), rows[-count:].T, prototypes
        coefficients = rows[:, -count:]
        if self.layout == "v5":
            return decode_v5(rows, count, self.score_threshold), coefficients, prototypes
        return decode_end_to_end(rows), coefficients, prototypes

    def _yolact(self, outputs: Outputs, frame: Frame) -> tuple[Candidates, Array, Array]:
        arrays = self.chosen(outputs)
        by_name = {
            part: next((a for name, a in arrays.items() if name.lower().startswith(part)), None)
            for part in _YOLACT
        }
        given = [a for a in by_name.values() if a is not None]
        if self.outputs or len(given) < len(_YOLACT):
            given = list(arrays.values())
        if len(given) != len(_YOLACT):
            self.refuse(outputs)
        offsets, logits, coefficients, priors = (without_batch(a, 2) for a in given[:4])
        prototypes = without_batch(given[4], 3)
        if not len(offsets) == len(logits) == len(coefficients) == len(priors):
            self.refuse(outputs, "numbers of priors differ")
        count = coefficients.shape[1]
        if offsets.shape[1] != 4 or priors.shape[1] != 4 or count not in prototypes.shape:
            self.refuse(outputs)
        if prototypes.shape[0] != count or prototypes.shape[1] != prototypes.shape[2]:
            prototypes = (
                np.moveaxis(prototypes, -1, 0) if prototypes.shape[2] == count else (prototypes)
            )
        size, least = frame.input_shape, self.score_threshold
        return decode_priors(offsets, logits, priors, size, least), coefficients, prototypes
