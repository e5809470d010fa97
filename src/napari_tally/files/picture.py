"""PNG, JPEG and BMP, through imageio. They know no calibration."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from ..core.errors import FileError, InputError
from ..core.volume import Volume
from .atomic import replacing

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
COLOURS = ("red", "green", "blue", "alpha")


def read(path: Path, axes: str | None = None) -> Volume:
    """Read a picture: YX, or YXC with the channels red, green and blue."""
    try:
        array = _without_alpha(np.asarray(iio.imread(path)))
    except (OSError, ValueError, SyntaxError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileError(f"A whole picture is needed in {path}", reason) from error
    if array.ndim not in (2, 3):
        raise InputError(f"One picture is needed in {path}", f"an array of shape {array.shape}")
    own = "YX" if array.ndim == 2 else "YXC"
    names = COLOURS[: array.shape[2]] if own == "YXC" and axes in (None, own) else ()
    return Volume(array, axes or own, channel_names=names, name=path.name)


def write(volume: Volume, path: Path) -> None:
    """Write a picture of 8 or 16 bits, axes YX or YXC."""
    if volume.axes not in ("YX", "YXC"):
        raise InputError("A picture with the axes YX or YXC is needed", volume.axes)
    with replacing(path) as part:
        iio.imwrite(part, np.asarray(volume.array), extension=path.suffix.lower())


def _without_alpha(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Drop the alpha of grey pictures, and one that is the same everywhere."""
    if array.ndim != 3:
        return array
    if array.shape[2] == 2:
        return array[..., 0]
    if array.shape[2] == 4 and (array[..., 3] == array[0, 0, 3]).all():
        return array[..., :3]
    return array[..., 0] if array.shape[2] == 1 else array
