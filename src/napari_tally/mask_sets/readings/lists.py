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
    given = [a for a in arrays.values() if a.ndim in (2, 3) and a.shape[-1] == 4]
    if not given:
        reading.refuse(outputs, "no array of boxes (n, 4)")
    of_batch = max(given, key=lambda a: a.size)  # not four scores with a batch
    boxes = without_batch(of_batch, 2)
    count = len(boxes)
    rest = {name: a for name, a in arrays.items() if a is not of_batch}
    lines = {n: a.reshape(-1) for n, a in rest.items() if a.shape in ((count,), (1, count))}
    labels = {n: a for n, a in lines.items() if a.dtype.kind in "iu" or _says(n, "class", "label")}
    scores = {n: a for n, a in lines.items() if n not in labels}
    if len(labels) != 1 or len(scores) != 1:
        reading.refuse(outputs, "one array of scores and one of labels are needed")
    masks = [a for a in rest.values() if a.ndim >= 3]
    classes = np.nan_to_num(next(iter(labels.values()))).round().astype(np.int64) - first_class
    found = Candidates(
        boxes, next(iter(scores.values())).astype(np.float32), classes, np.arange(count)
    )
    background = classes < 0
    if background.any():
        found = found.take(~background)
    return Lists(found, masks[0] if masks else None)


def _says(name: str, *words: str) -> bool:
    return any(word in name.lower() for word in words)
