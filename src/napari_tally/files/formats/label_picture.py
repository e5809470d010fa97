"""Files read as labels: one id a pixel, also where a program wrote them as colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError

if TYPE_CHECKING:
    from ...core.volume import Volume

_COLOURS = ("red", "green", "blue", "alpha")


def one_id_per_pixel(volume: Volume) -> Volume:
    """Return what was read as labels: colours that are all greys are one id a pixel.

    Raises
    ------
    InputError
        If the colours differ: it cannot be known which of them are one object.
    """
    if _coloured(volume):
        place = volume.axes.index("C")
        array = np.moveaxis(np.asarray(volume.array), place, 0)
        if not _greys(array):
            raise InputError(
                f"{volume.name} holds colours, not labels",
                hint="Save one id for each pixel: a grey or indexed (palette) picture, or a TIFF "
                "of integers",
            )
        volume = volume.at("C", 0)
        volume = replace(volume, array=np.ascontiguousarray(array[0]), channel_names=())
    return replace(volume, is_labels=True)


def _coloured(volume: Volume) -> bool:
    """Return whether the channels of a volume are colours, by name or as the last of its axes."""
    if "C" not in volume.axes:
        return False
    count = volume.shape[volume.axes.index("C")]
    named = volume.channel_names == _COLOURS[:count]
    return count in (3, 4) and (named or volume.axes.endswith("C"))


def _greys(array: NDArray[Any]) -> bool:
    """Return whether red, green and blue are equal, and all of it opaque."""
    opaque = len(array) == 3 or array[3].min() == array[3].max()
    return opaque and bool((array[1] == array[0]).all() and (array[2] == array[0]).all())
