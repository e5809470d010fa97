"""Run lengths of masks, in COCO's form: down the columns, alternately outside and inside.

The form is that of pycocotools (https://github.com/cocodataset/cocoapi): the first run is outside
and may be 0. Compressed, each run is the difference to the run before last, five bits a character.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import compiled

Mask = NDArray[np.bool_]
Runs = NDArray[np.uint32]


def encoded(mask: Mask, at: tuple[int, int] = (0, 0), shape: tuple[int, int] | None = None) -> Runs:
    """Return the run lengths of a mask, shape (Y, X), that lies in an image.

    Parameters
    ----------
    at : (int, int)
        Row and column of its first pixel.
    shape : (int, int), optional
        Of the image, which must hold the mask. Default: that of the mask.
    """
    height, width = mask.shape if shape is None else shape
    # At most half of the pixels of a column begin a run inside.
    runs = np.empty(mask.shape[1] * (mask.shape[0] + 2) + 2, np.uint32)
    count = _encode(np.ascontiguousarray(mask), at[0], at[1], height, width, runs)
    return runs[:count].copy()


def decoded(runs: Runs, shape: tuple[int, int]) -> Mask:
    """Return the mask, shape (Y, X), of run lengths that cover it."""
    mask = np.zeros(shape, np.bool_)
    _decode(runs, mask)
    return mask


def area_of(runs: Runs) -> int:
    """Return the number of pixels inside."""
    return int(runs[1::2].sum(dtype=np.int64))


def compressed(runs: Runs) -> str:
    """Return run lengths as the text that COCO JSON holds."""
    text = np.empty(8 * len(runs), np.uint8)
    return text[: _compress(runs.astype(np.int64), text)].tobytes().decode("ascii")


@compiled()
def _encode(
    mask: NDArray[Any], top: int, left: int, height: int, width: int, runs: NDArray[Any]
) -> int:
    """Write the runs of a mask in an image; return their number."""
    rows, columns = mask.shape
    count, begin, inside = 0, 0, False
    for x in range(columns):
        for y in range(rows):
            here = mask[y, x]
            place = (x + left) * height + y + top
            # Between two columns of the mask lies the outside, unless they are adjacent.
            if inside and y == 0 and rows < height:
                end = (x - 1 + left) * height + rows + top
                runs[count] = end - begin
                count, begin, inside = count + 1, end, False
            if here != inside:
                runs[count] = place - begin
                count, begin, inside = count + 1, place, here
    total = height * width
    if inside and columns > 0:
        end = (columns - 1 + left) * height + rows + top
        runs[count] = end - begin
        count, begin = count + 1, end
    if begin < total or count == 0:
        runs[count] = total - begin
        count += 1
    return count


@compiled()
def _decode(runs: NDArray[Any], mask: NDArray[Any]) -> None:
    height = mask.shape[0]
    place = 0
    for i in range(len(runs)):
        end = place + int(runs[i])
        if i % 2:
            for at in range(place, end):
                mask[at % height, at // height] = True
        place = end


@compiled()
def _compress(runs: NDArray[Any], text: NDArray[Any]) -> int:
    count = 0
    for i in range(len(runs)):
        value = runs[i] - runs[i - 2] if i > 2 else runs[i]
        more = True
        while more:
            code = value & 31
            value >>= 5
            more = value != -1 if code & 16 else value != 0
            text[count] = 48 + (code | 32 if more else code)
            count += 1
    return count
