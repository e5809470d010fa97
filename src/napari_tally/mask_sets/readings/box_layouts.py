"""The arrays in which families of detectors return boxes, decoded to candidates."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .detections import Candidates, best_class
from .reading import Array, sigmoid, softmax

Layout = Literal["v5", "v8", "end_to_end", "yolact"]
_VARIANCES = 0.1, 0.2  # of SSD: centre, size


def decode_v5(rows: Array, coefficients: int, least: float) -> Candidates:
    """Decode YOLOv5, YOLOv7 and YOLOR, shape (anchors, 5 + classes + coefficients).

    Centre, size, probability of an object, and of each class in case of one.
    """
    kept = np.flatnonzero(~(rows[:, 4] < least))
    scores = rows[kept, 5 : rows.shape[1] - coefficients] * rows[kept, 4:5]
    if not scores.shape[1]:
        scores = rows[kept, 4:5]
    own, top, classes = best_class(scores, least)
    return Candidates(rows[kept[own], :4], top, classes, kept[own]).centred()


def decode_v8(columns: Array, coefficients: int, least: float) -> Candidates:
    """Decode YOLOv8 and later, shape (4 + classes + coefficients, anchors): centre and size."""
    scores = columns[4 : columns.shape[0] - coefficients]
    own, top, classes = best_class(scores.T, least)
    return Candidates(columns[:4, own].T, top, classes, own).centred()


def decode_end_to_end(rows: Array) -> Candidates:
    """Decode YOLOv10 and YOLO26, shape (objects, 6 + coefficients): corners, score, class."""
    classes = np.nan_to_num(rows[:, 5]).round().astype(np.int64)
    scores = rows[:, 4].astype(np.float32)
    return Candidates(rows[:, :4], scores, classes, np.arange(len(rows)))


def decode_priors(
    offsets: Array, logits: Array, priors: Array, size: tuple[int, int], least: float
) -> Candidates:
    """Decode SSD and YOLACT: offsets from priors; each prior is a candidate of every class.

    Liu et al., 2016, https://doi.org/10.1007/978-3-319-46448-0_2.

    Parameters
    ----------
    offsets, priors : ndarray, shape (n, 4)
        Priors as centre and size, relative to the input.
    logits : ndarray, shape (n, 1 + classes)
        The background first; logits, or probabilities that add up to 1.
    size : (int, int)
        Height and width of the input.
    """
    from_centre, from_size = _VARIANCES
    centre = priors[:, :2] + offsets[:, :2] * from_centre * priors[:, 2:]
    with np.errstate(over="ignore"):
        half = priors[:, 2:] * np.exp(offsets[:, 2:] * from_size) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1) * np.tile(size[::-1], 2)
    probability = (logits if _are_probabilities(logits) else softmax(logits))[:, 1:]
    rows, classes = np.nonzero(~(probability < least))
    scores = probability[rows, classes].astype(np.float32)
    return Candidates(boxes[rows], scores, classes.astype(np.int64), rows.astype(np.int64))


def decode_queries(
    logits: Array, boxes: Array, size: tuple[int, int], no_object: str, activation: str
) -> Candidates:
    """Decode DETR and its successors: class logits and boxes (centre and size, relative)."""
    scores = query_scores(logits, no_object, activation)
    own, top, classes = best_class(scores, 0)
    scaled = boxes[own] * np.tile(size[::-1], 2)
    return Candidates(scaled, top, classes, own).centred()


def query_scores(logits: Array, no_object: str, activation: str) -> Array:
    """Return the probability of each class, shape (queries, classes), of class logits."""
    scores = softmax(logits) if activation == "softmax" else sigmoid(logits)
    return scores[:, :-1] if no_object == "last" else scores


def decode_levels(
    levels: list[Array], size: tuple[int, int], anchors: tuple[float, ...], least: float
) -> Candidates:
    """Decode the raw levels of YOLOv5, YOLOv7 and YOLOP v2.

    Parameters
    ----------
    levels : list of ndarray
        Each of shape (anchors, h, w, 5 + classes) or (anchors * (5 + classes), h, w), logits.
    size : (int, int)
        Height and width of the input.
    anchors : tuple of float
        Width and height of the anchors, px, from the finest level on.
    """
    per_level = np.reshape(anchors, (len(levels), -1, 2))
    order = np.argsort([-_grid_of(level)[0] for level in levels], kind="stable")
    rows = [
        _level_rows(levels[n], per_level[place], size) for place, n in enumerate(order.tolist())
    ]
    return decode_v5(np.concatenate(rows), 0, least)


def _grid_of(level: Array) -> tuple[int, int]:
    height, width = level.shape[1:3]
    return height, width


def _level_rows(level: Array, anchors: Array, size: tuple[int, int]) -> Array:
    """Return the rows of one level as `decode_v5` takes them."""
    height, width = _grid_of(level)
    if level.ndim == 3:
        level = level.reshape(len(anchors), -1, height, width).transpose(0, 2, 3, 1)
    found = sigmoid(level)
    y, x = np.mgrid[:height, :width]
    stride = np.array([size[1] / width, size[0] / height])
    found[..., :2] = (found[..., :2] * 2 - 0.5 + np.stack([x, y], -1)) * stride
    found[..., 2:4] = (found[..., 2:4] * 2) ** 2 * anchors[:, None, None]
    return found.reshape(-1, found.shape[-1])


def _are_probabilities(values: Array) -> bool:
    """Return whether rows are not negative and add up to 1."""
    if not len(values):
        return True
    with np.errstate(invalid="ignore", over="ignore"):
        sums = np.nansum(values, axis=1)
    return bool(np.nanmin(values, initial=0) >= 0 and np.abs(sums - 1).max() < 1e-3)
