"""Boxes of overlapping tiles, joined to those of the image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .join_tiles import JoinTiles
from .mask_set import MaskSet

if TYPE_CHECKING:
    from .join_tiles import Tile

Boxes = NDArray[np.float32]
_AT_BORDER = 1.0  # px: a box whose side is nearer to the border of its tile may be cut there


def join_boxes(
    tiles: Iterable[Tile],
    shape: tuple[int, int],
    options: JoinTiles | None = None,
    class_names: tuple[str, ...] = (),
) -> MaskSet:
    """Return the boxes in an image from those in its tiles.

    As for masks, whole boxes win over those that a tile cuts, then better scores over worse. A box
    of which more than half lies in a better one of another tile is the same; of two that are cut,
    the better one grows by the other.
    """
    options = options or JoinTiles()
    found = [_placed(number, tile, shape) for number, tile in enumerate(tiles)]
    if not found:
        return _empty(shape, class_names)
    boxes, scores, classes, cut, tile_of = (np.concatenate(a) for a in zip(*found, strict=True))
    kept: list[int] = []
    for i in np.lexsort((-scores, cut)):
        rivals = np.array(kept, np.int64)
        rivals = rivals[tile_of[rivals] != tile_of[i]]
        if not options.across_classes:
            rivals = rivals[classes[rivals] == classes[i]]
        shares = _inside(boxes[i], boxes[rivals], cut[i] & cut[rivals])
        best = int(shares.argmax()) if len(shares) else -1
        if best < 0 or shares[best] <= options.least_inside:
            kept.append(int(i))
        elif cut[rivals[best]]:
            boxes[rivals[best]] = _around(boxes[rivals[best]], boxes[i])
    rows = np.array(sorted(kept, key=lambda row: -scores[row]), np.int64)
    return MaskSet(shape, scores[rows], classes[rows], boxes[rows], None, class_names)


def _placed(number: int, tile: Tile, shape: tuple[int, int]) -> tuple[NDArray[np.generic], ...]:
    """Return boxes on the image, scores, classes, whether each is cut, and the tile's number."""
    own = tile.objects
    height, width = own.shape
    offset = np.array([tile.top, tile.left] * 2, np.float32)
    ends = np.array([height, width], np.float32)
    inner = np.array([tile.top > 0, tile.left > 0])
    outer = np.array([tile.top + height < shape[0], tile.left + width < shape[1]])
    low = (own.boxes[:, :2] < _AT_BORDER) & inner
    high = (own.boxes[:, 2:] > ends - _AT_BORDER) & outer
    cut = (low | high).any(axis=1)
    return own.boxes + offset, own.scores, own.classes, cut, np.full(len(own), number)


def _inside(box: Boxes, others: Boxes, both_cut: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of a box in each other one; of two that are cut, of the smaller one."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    own, theirs = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    size = np.where(both_cut, np.minimum(own, theirs), own)
    return np.asarray(shared / np.maximum(size, 1e-6), np.float64)


def _around(one: Boxes, other: Boxes) -> Boxes:
    return np.concatenate([np.minimum(one[:2], other[:2]), np.maximum(one[2:], other[2:])])


def _empty(shape: tuple[int, int], class_names: tuple[str, ...]) -> MaskSet:
    none = np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
    return MaskSet(shape, *none, None, class_names)
