"""Non-maximum suppression: of boxes that overlap much, the one with the best score stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

if TYPE_CHECKING:
    from .frame import Boxes

_MOST_BINS = 256  # along an axis


def suppressed(
    boxes: Boxes,
    scores: NDArray[np.float32],
    classes: NDArray[np.int64] | None,
    overlap_threshold: float,
    *,
    fast: bool = False,
) -> NDArray[np.int64]:
    """Return the indices of the boxes that stay, by falling score.

    Parameters
    ----------
    boxes : ndarray of float32, shape (n, 4)
        (y0, x0, y1, x1).
    classes : ndarray of int, shape (n,), optional
        Only boxes of one class suppress each other; all do without classes.
    overlap_threshold : float
        Boxes with a higher IoU than this with a better one are dropped.
    fast : bool
        Whether boxes that were dropped drop others, too (Fast NMS of YOLACT, Bolya et al., 2019,
        https://doi.org/10.1109/ICCV.2019.00925).
    """
    order = np.argsort(-scores, kind="stable")
    if not len(order):
        return order
    sorted_boxes = np.ascontiguousarray(boxes[order], np.float64)
    kinds = np.zeros(len(order), np.int64) if classes is None else classes[order]
    # Boxes with an IoU above the threshold have centres near each other: see `_suppress`.
    centres = (sorted_boxes[:, :2] + sorted_boxes[:, 2:]) / 2
    origin = centres.min(axis=0)
    sides = np.maximum(np.median(sorted_boxes[:, 2:] - sorted_boxes[:, :2], axis=0), 1)
    bins = np.clip(np.ceil(np.ptp(centres, axis=0) / sides), 1, _MOST_BINS).astype(np.int64)
    size = np.maximum(np.ptp(centres, axis=0) / bins, 1e-6)
    place = np.minimum(((centres - origin) / size).astype(np.int64), bins - 1)
    kept = np.zeros(len(order), np.bool_)
    _suppress(sorted_boxes, kinds, place, bins, size, origin, overlap_threshold, fast, kept)
    return order[kept]


@compiled()
def _suppress(
    boxes: NDArray[np.float64],
    classes: NDArray[np.int64],
    place: NDArray[np.int64],
    bins: NDArray[np.int64],
    size: NDArray[np.float64],
    origin: NDArray[np.float64],
    threshold: float,
    fast: bool,
    kept: NDArray[np.bool_],
) -> None:
    """Go through boxes by falling score, comparing each with better ones near it.

    If the IoU of two boxes exceeds t, neither is longer than the other by more than 1 / t, and they
    intersect: their centres are at most (1 + 1 / t) / 2 lengths apart. So better boxes are kept in
    bins of their centres, as linked lists.
    """
    heads = np.full((bins[0], bins[1]), -1, np.int64)
    following = np.full(len(boxes), -1, np.int64)
    reach = (1 + 1 / max(threshold, 1e-3)) / 2
    for i in range(len(boxes)):
        height, width = boxes[i, 2] - boxes[i, 0], boxes[i, 3] - boxes[i, 1]
        y, x = (boxes[i, 0] + boxes[i, 2]) / 2, (boxes[i, 1] + boxes[i, 3]) / 2
        far_y, far_x = height * reach, width * reach
        low_y = max(int((y - far_y - origin[0]) / size[0]), 0)
        high_y = min(int((y + far_y - origin[0]) / size[0]), bins[0] - 1)
        low_x = max(int((x - far_x - origin[1]) / size[1]), 0)
        high_x = min(int((x + far_x - origin[1]) / size[1]), bins[1] - 1)
        stays = True
        for by in range(low_y, high_y + 1):
            for bx in range(low_x, high_x + 1):
                j = heads[by, bx]
                while j >= 0 and stays:
                    if classes[j] == classes[i]:
                        tall = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
                        wide = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
                        if tall > 0 and wide > 0:
                            shared = tall * wide
                            its = (boxes[j, 2] - boxes[j, 0]) * (boxes[j, 3] - boxes[j, 1])
                            union = height * width + its - shared
                            stays = shared <= threshold * union
                    j = following[j]
                if not stays:
                    break
            if not stays:
                break
        kept[i] = stays
        if stays or fast:
            following[i] = heads[place[i, 0], place[i, 1]]
            heads[place[i, 0], place[i, 1]] = i
