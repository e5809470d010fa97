"""Write a small file as Leica's microscopes do, of which the libraries at hand only read.

The layout is that of "Leica Image File Formats" 3.2: a block of XML, then one of memory for each
image. Numbers are little-endian, text is UTF-16.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BLOCK, _FIELD = 0x70, 0x2A  # marks


@dataclass(frozen=True)
class Image:
    """An image of a file: axes C, (Z,) Y, X, 16 bits; the steps of the spatial axes in metres."""

    name: str
    array: NDArray[np.uint16]
    steps_m: tuple[float, ...]
    colours: tuple[str, ...] = ("Gray",)

    @property
    def memory(self) -> str:
        """Return the name of its block of memory."""
        return f"MemBlock_{self.name}"

    def xml(self) -> str:
        """Return its description in the file."""
        channels = "".join(
            f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" Min="0" Max="65535" '
            f'NameOfMeasuredQuantity="" Unit="" LUTName="{colour}" IsLUTInverted="0" '
            f'BytesInc="{i * self.array[0].nbytes}" BitInc="0"/>'
            for i, colour in enumerate(self.colours)
        )
        sizes = self.array.shape[:0:-1]
        axes = "".join(
            f'<DimensionDescription DimID="{i + 1}" NumberOfElements="{size}" Origin="0" '
            f'Length="{step * (size - 1)}" Unit="m" BitInc="0" '
            f'BytesInc="{self.array.itemsize * int(np.prod(sizes[:i]))}"/>'
            for i, (size, step) in enumerate(zip(sizes, self.steps_m[::-1], strict=True))
        )
        return (
            f'<Element Name="{self.name}"><Data><Image><ImageDescription>'
            f"<Channels>{channels}</Channels><Dimensions>{axes}</Dimensions>"
            "</ImageDescription></Image></Data>"
            f'<Memory Size="{self.array.nbytes}" MemoryBlockID="{self.memory}"/></Element>'
        )


def write(path: Path, images: Sequence[Image]) -> None:
    """Write a file of images."""
    inner = "".join(image.xml() for image in images)
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="all"><Children>'
        f"{inner}</Children></Element></LMSDataContainerHeader>"
    )
    with path.open("wb") as file:
        file.write(struct.pack("<IIBI", _BLOCK, 2 * len(xml) + 5, _FIELD, len(xml)))
        file.write(xml.encode("utf-16-le"))
        for image in images:
            name, size = image.memory, image.array.nbytes
            head = (_BLOCK, 2 * len(name) + 14, _FIELD, size, _FIELD, len(name))
            file.write(struct.pack("<IIBQBI", *head))
            file.write(name.encode("utf-16-le") + image.array.tobytes())
