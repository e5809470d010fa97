"""How images are brought into the input of a network that takes whole pictures."""

from __future__ import annotations

from math import ceil
from typing import Literal, Self

from pydantic import Field, model_validator

from ..core.options import Options
from .frame import Frame, Shape


class FrameOptions(Options):
    """Resizing and padding, as the code that a model was trained with does it."""

    fit: Literal["letterbox", "pad", "stretch", "none"] = Field(
        "letterbox",
        description="Resize as far as the image fits and centre it (letterbox), or put it above "
        "and to the left (pad); resize it to the input (stretch); or leave it as it is (none).",
    )
    size: tuple[int, ...] = Field(
        (), description="Height and width of the input; empty if they follow the image."
    )
    shortest: int | None = Field(
        None, ge=1, description="Without a size: the shorter side of the resized image, px."
    )
    longest: int | None = Field(
        None, ge=1, description="Without a size: the largest longer side of the resized image, px."
    )
    multiple: int = Field(1, ge=1, description="Lengths of the input are padded to multiples.")
    antialias: bool = Field(
        True,
        description="Whether pixels are averaged where the image shrinks (Pillow), not only "
        "interpolated (OpenCV).",
    )
    pad_value: float | None = Field(
        None,
        description="Value of the border on the scale of 8-bit values, such as 114. "
        "Default: 0 after normalization.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.size and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f"the size must be height and width in px, not {self.size}")
        if self.fit == "stretch" and not (self.size or self.shortest or self.longest):
            raise ValueError("stretching needs the size of the input")
        return self

    @property
    def fixed(self) -> Shape | None:
        """Height and width of the input if every image gets the same."""
        return (self.size[0], self.size[1]) if self.size else None

    def frame(self, shape: Shape) -> Frame:
        """Return the frame of an image of that height and width."""
        if self.fit == "none":
            return Frame(self.fixed or self._padded(shape), shape)
        inner = self.fixed or self._resized(shape)
        if self.fit == "stretch":
            return Frame.stretched(shape, self._padded(inner) if not self.fixed else inner)
        outer = self.fixed or self._padded(inner)
        if self.fit == "letterbox":
            return Frame.letterboxed(shape, outer)
        if self.fixed:
            ratio = min(outer[0] / shape[0], outer[1] / shape[1])
            inner = _scaled(shape, ratio)
        return Frame(outer, shape, (inner[0] / shape[0], inner[1] / shape[1]))

    def scaled(self, shape: Shape, scale: float) -> Frame:
        """Return the frame of an image, or a tile, of that shape at a scale, aspect kept.

        Raises
        ------
        ValueError
            If it is larger than the input.
        """
        inner = _scaled(shape, scale)
        outer = self.fixed or self._padded(inner)
        room = outer[0] - inner[0], outer[1] - inner[1]
        if min(room) < 0:
            raise ValueError(f"an image of {inner} px does not fit into {outer} px")
        centred = self.fit == "letterbox"
        pad = (float(room[0] // 2), float(room[1] // 2)) if centred else (0.0, 0.0)
        return Frame(outer, shape, (inner[0] / shape[0], inner[1] / shape[1]), pad)

    def _resized(self, shape: Shape) -> Shape:
        """Return the shape of the resized image where the input follows it."""
        low, high = min(shape), max(shape)
        ratio = 1.0
        if self.shortest is not None:
            ratio = self.shortest / low
        if self.longest is not None and (self.shortest is None or high * ratio > self.longest):
            ratio = self.longest / high
        return _scaled(shape, ratio)

    def _padded(self, shape: Shape) -> Shape:
        height, width = (self.multiple * ceil(n / self.multiple) for n in shape)
        return height, width


def _scaled(shape: Shape, ratio: float) -> Shape:
    return max(1, round(shape[0] * ratio)), max(1, round(shape[1] * ratio))
