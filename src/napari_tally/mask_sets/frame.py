"""How the input of a network lies on the image: resized, padded, or as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int]
Boxes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """The position of an image in the input of a network.

    Coordinates are continuous: pixel `i` reaches from `i` to `i + 1`.

    Attributes
    ----------
    input_shape : (int, int)
        Height and width of the input.
    shape : (int, int)
        Height and width of the image.
    scale : (float, float)
        Pixels of the input for one of the image, along Y and X.
    pad : (float, float)
        Pixels of the input above and to the left of the image.
    """

    input_shape: Shape
    shape: Shape
    scale: tuple[float, float] = (1.0, 1.0)
    pad: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def same(cls, shape: Shape) -> Self:
        """Return the frame of an image that is the input itself."""
        return cls(shape, shape)

    @classmethod
    def stretched(cls, shape: Shape, input_shape: Shape) -> Self:
        """Return the frame of an image that was resized to the input."""
        scale = input_shape[0] / shape[0], input_shape[1] / shape[1]
        return cls(input_shape, shape, scale)

    @classmethod
    def letterboxed(cls, shape: Shape, input_shape: Shape) -> Self:
        """Return the frame of an image that was resized as far as it fits, and centred.

        As Ultralytics does it: the resized image has whole pixels, and of an odd border the
        smaller half lies above and to the left.
        """
        ratio = min(input_shape[0] / shape[0], input_shape[1] / shape[1])
        size = round(shape[0] * ratio), round(shape[1] * ratio)
        pad = [round((n - s) / 2 - 0.1) for n, s in zip(input_shape, size, strict=True)]
        scale = size[0] / shape[0], size[1] / shape[1]
        return cls(input_shape, shape, scale, (pad[0], pad[1]))

    def on_image(self, boxes: NDArray[np.floating]) -> Boxes:
        """Return boxes (y0, x0, y1, x1), shape (n, 4), of the input on the image, not clipped."""
        offset, scale = np.tile(self.pad, 2), np.tile(self.scale, 2)
        found: Boxes = ((boxes - offset) / scale).astype(np.float32)
        return found

    def cells(self, first: int, last: int, axis: int, count: int) -> NDArray[np.float64]:
        """Return where the centres of pixels lie on a grid that covers the input, along an axis.

        Parameters
        ----------
        first, last : int
            The pixels of the image, `last` not included.
        axis : int
            0 for Y, 1 for X.
        count : int
            Cells of the grid along the axis.

        Returns
        -------
        ndarray of float, shape (last - first,)
            In cells; the centre of the first cell is at 0.
        """
        centres = (np.arange(first, last) + 0.5) * self.scale[axis] + self.pad[axis]
        return np.asarray(centres * (count / self.input_shape[axis]) - 0.5, np.float64)

    def pixels_of(self, low: float, high: float, axis: int, count: int) -> tuple[int, int]:
        """Return the pixels of the image whose centres lie between two positions on a grid."""
        step = self.input_shape[axis] / count
        ends = [((c + 0.5) * step - self.pad[axis]) / self.scale[axis] - 0.5 for c in (low, high)]
        first = int(np.clip(np.floor(ends[0]), 0, self.shape[axis]))
        last = int(np.clip(np.ceil(ends[1]) + 1, first, self.shape[axis]))
        return first, last
