"""Lists of boxes, scores and labels, as Mask R-CNN and Faster R-CNN return them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .detections import Candidates, DetectionReading
from .reading import Array, Outputs, without_batch


@dataclass(frozen=True, eq=False)
class Lists:
    """The arrays of objects that a network has selected itself.

    Attributes
    ----------
    found : Candidates
    masks : ndarray, shape (n, h, w) or (n, classes, h, w), optional
    """

    found: Candidates
    masks: Array | None = None


def lists_of(reading: DetectionReading, outputs: Outputs, first_class: int) -> Lists:
    """Return boxes, scores, classes and maybe masks, found by their shapes and names.

    Parameters
    ----------
    first_class : int
        The label of the first class: 1 where 0 is the background.

    Raises
    ------
    InputError
        If the arrays are not of this form.
    """
    arrays = reading.chosen(outputs)
    boxes = _only([a for a in arrays.values() if a.ndim in (2, 3) and a.shape[-1] == 4])
    if boxes is None:
        reading.refuse(outputs, "no array of boxes (n, 4)")
    boxes = without_batch(boxes, 2)
    count = len(boxes)
    lines = {n: a.reshape(-1) for n, a in arrays.items() if a.ndim <= 2 and a.size == count}
    if count == 4:  # boxes (4, 4) have no more values than four scores have lines
        lines = {n: a for n, a in lines.items() if a.shape == (4,)}
    labels = {n: a for n, a in lines.items() if a.dtype.kind in "iu" or _says(n, "class", "label")}
    scores = {n: a for n, a in lines.items() if n not in labels}
    if len(labels) != 1 or len(scores) != 1:
        reading.refuse(outputs, "one array of scores and one of labels are needed")
    masks = [a for a in arrays.values() if a.ndim >= 4 or (a.ndim == 3 and a is not boxes)]
    masks = [a for a in masks if a.shape[-1] != 4 or a.ndim > 3]
    classes = np.nan_to_num(next(iter(labels.values()))).round().astype(np.int64) - first_class
    found = Candidates(
        boxes, next(iter(scores.values())).astype(np.float32), classes, np.arange(count)
    )
    background = classes < 0
    if background.any():
        found = found.take(~background)
    return Lists(found, masks[0] if masks else None)


def _only(arrays: list[Array]) -> Array | None:
    return arrays[0] if len(arrays) == 1 else None


def _says(name: str, *words: str) -> bool:
    return any(word in name.lower() for word in words)
