"""The palette of Pascal VOC: the colour of each class or object, and 255 for void.

Everingham et al., 2010, https://doi.org/10.1007/s11263-009-0275-4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOID = 255
_FEW = 22  # colours by which the palette is recognized: those of the classes


def voc_palette() -> NDArray[np.uint8]:
    """Return the 256 colours, shape (256, 3): the bits of an index, spread over the channels."""
    index, colours = np.arange(256), np.zeros((256, 3), np.int64)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return colours.astype(np.uint8)


def is_voc(palette: list[int] | None) -> bool:
    """Return whether a palette (R, G, B, R, ...) is that of Pascal VOC, void included."""
    if palette is None or len(palette) < 3 * 256:
        return False
    given = np.array(palette[: 3 * 256]).reshape(-1, 3)
    own = voc_palette()
    return bool((given[:_FEW] == own[:_FEW]).all() and (given[VOID] == own[VOID]).all())
