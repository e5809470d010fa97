"""A mask in its box, and how it is drawn from a coarser grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A mask in a part of an image.

    Attributes
    ----------
    top, left : int
        Row and column of its first pixel.
    mask : ndarray of bool, shape (Y, X)
    """

    top: int
    left: int
    mask: Mask

    @property
    def box(self) -> tuple[slice, slice]:
        """Its place, to index the image with."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def trimmed(self) -> Patch:
        """Return the patch without empty rows and columns around the object."""
        y0, y1, x0, x1 = _extent(self.mask)
        if y1 == 0:
            return Patch(self.top, self.left, self.mask[:0, :0])
        return Patch(self.top + y0, self.left + x0, self.mask[y0:y1, x0:x1])

    def overlap(self, other: Patch) -> int:
        """Return the number of pixels that two patches share."""
        (ya, xa), (yb, xb) = self.box, other.box
        y0, x0 = max(ya.start, yb.start), max(xa.start, xb.start)
        y1, x1 = min(ya.stop, yb.stop), min(xa.stop, xb.stop)
        if y0 >= y1 or x0 >= x1:
            return 0
        own = self.mask[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
        its = other.mask[y0 - other.top : y1 - other.top, x0 - other.left : x1 - other.left]
        return int(np.count_nonzero(own & its))

    def within(self, y: slice, x: slice) -> int:
        """Return the number of pixels in a part of the image."""
        rows = slice(max(y.start - self.top, 0), max(y.stop - self.top, 0))
        columns = slice(max(x.start - self.left, 0), max(x.stop - self.left, 0))
        return int(np.count_nonzero(self.mask[rows, columns]))

    def united(self, other: Patch) -> Patch:
        """Return the pixels of either of two patches."""
        (ya, xa), (yb, xb) = self.box, other.box
        top, left = min(ya.start, yb.start), min(xa.start, xb.start)
        mask = np.zeros((max(ya.stop, yb.stop) - top, max(xa.stop, xb.stop) - left), bool)
        for each in (self, other):
            height, width = each.mask.shape
            y, x = each.top - top, each.left - left
            mask[y : y + height, x : x + width] |= each.mask
        return Patch(top, left, mask)


def nothing() -> Patch:
    """Return a patch without pixels."""
    return Patch(0, 0, np.zeros((0, 0), bool))


def drawn(
    grid: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    threshold: float,
) -> Mask:
    """Interpolate a grid linearly and return where it exceeds a threshold.

    Beyond the centres of the outer cells their value counts, as in
    `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)`.

    Parameters
    ----------
    grid : ndarray of float32, shape (h, w)
    rows, columns : ndarray of float
        Where the pixels lie on it, in cells: see `Frame.cells`.
    """
    out = np.zeros((len(rows), len(columns)), np.bool_)
    if out.size and grid.size:
        _draw(np.ascontiguousarray(grid), rows, columns, threshold, out)
    return out


def at_least(threshold: float) -> float:
    """Return the threshold that values exceed which are at least the given one."""
    return float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))


@compiled()
def _draw(
    grid: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    threshold: float,
    out: NDArray[np.bool_],
) -> None:
    height, width = grid.shape
    left = np.empty(len(columns), np.int64)
    right = np.empty(len(columns), np.int64)
    share = np.empty(len(columns), np.float32)
    for j in range(len(columns)):
        x = min(max(columns[j], 0.0), width - 1.0)
        left[j] = int(x)
        right[j] = min(left[j] + 1, width - 1)
        share[j] = x - left[j]
    line = np.empty(width, np.float32)
    for i in range(len(rows)):
        y = min(max(rows[i], 0.0), height - 1.0)
        above = int(y)
        below, part = min(above + 1, height - 1), np.float32(y - above)
        # Only the cells that the pixels of this row touch.
        for x in range(left[0], right[-1] + 1):
            line[x] = grid[above, x] * (1 - part) + grid[below, x] * part
        for j in range(len(columns)):
            value = line[left[j]] * (1 - share[j]) + line[right[j]] * share[j]
            out[i, j] = value > threshold


@compiled()
def _extent(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    height, width = mask.shape
    y0, y1, x0, x1 = height, 0, width, 0
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                y0, y1 = min(y0, y), max(y1, y + 1)
                x0, x1 = min(x0, x), max(x1, x + 1)
    return y0, y1, x0, x1
