"""PNG, JPEG and BMP: images without calibration, through imageio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import replacing
from ...core.errors import FileError, InputError
from ...core.volume import Volume
from .format import Format
from .integrity import check_file

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
WRITTEN = (".png",)
_COLOURS = ("red", "green", "blue", "alpha")
_PNG = b"\x89PNG\r\n\x1a\n"
_BROKEN = (ValueError, KeyError, IndexError, TypeError, RuntimeError, OSError, SyntaxError)


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read a picture as (Y, X) or, with red, green, blue and maybe alpha, as (Y, X, C).

    An alpha that is the same everywhere is dropped, that of a grey picture always. The indices of
    a palette become its colours, or greys if all of them are grey.

    Parameters
    ----------
    path : Path
        PNG, JPEG or BMP.
    axes : str, optional
        YX or YXC; it must fit.

    Raises
    ------
    FileError
        If the file is missing, damaged or not a picture.
    InputError
        If the axes do not fit.
    """
    check_file(path)
    try:
        array = _pixels(path)
    except _BROKEN as error:
        raise FileError(f"The picture {path} cannot be read ({error})") from error
    array = _without_alpha(array)
    names = _COLOURS[: array.shape[2]] if array.ndim == 3 else ()
    file_axes = "YXC"[: array.ndim]
    if axes is not None and axes.strip().upper() != file_axes:
        raise InputError(f"{path.name} has the axes {file_axes}, not {axes!r}")
    return Volume(array, file_axes, channel_names=names, name=path.name)


def write(volume: Volume, path: Path) -> None:
    """Write a PNG: uint8 or uint16 of axes YX, or uint8 of axes YXC with 3 or 4 channels.

    Raises
    ------
    InputError
        If the volume is none of these.
    FileError
        If the folder cannot be written.
    """
    from imageio.v3 import imwrite

    array = np.asarray(volume.array)
    grey = volume.axes == "YX" and array.dtype in (np.uint8, np.uint16)
    colour = volume.axes == "YXC" and array.dtype == np.uint8 and array.shape[2] in (3, 4)
    if not (grey or colour):
        raise InputError(
            f"A PNG holds grey uint8 or uint16 (YX) or colours of uint8 (YXC), not {array.dtype} "
            f"of shape {array.shape} ({volume.axes})",
            hint="Write a .tif, which keeps everything",
        )
    with replacing(path) as part:
        imwrite(part, np.ascontiguousarray(array), plugin="pillow", extension=".png")


def _pixels(path: Path) -> NDArray[Any]:
    from imageio.v3 import imopen
    from PIL.Image import DecompressionBombError

    if _deep(path):
        from imagecodecs import png_decode

        return np.asarray(png_decode(path.read_bytes()))
    try:
        with imopen(path, "r", plugin="pillow") as file:
            mode = file.metadata(index=0)["mode"]
            options = {"mode": "RGB"} if mode == "CMYK" else {}
            array = np.asarray(file.read(index=0, **options))
    except DecompressionBombError as error:
        raise ValueError(f"{error}; save it as a TIFF") from error
    return _grey_palette(array) if mode == "P" else array


def _deep(path: Path) -> bool:
    """Return whether this is a PNG of 16 bits a sample: Pillow cuts its colours down to 8."""
    with path.open("rb") as file:
        head = file.read(25)
    return head.startswith(_PNG) and head[24:] == b"\x10"


def _grey_palette(array: NDArray[Any]) -> NDArray[Any]:
    """Return one channel where all colours are greys: ImageJ writes grey PNG with a palette."""
    grey = array.ndim == 3 and (array[..., :3] == array[..., :1]).all()
    opaque = array.ndim == 3 and (array.shape[2] == 3 or array[..., 3].min() == array[..., 3].max())
    return np.ascontiguousarray(array[..., 0]) if grey and opaque else array


def _without_alpha(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 3 and array.shape[2] in (1, 2):
        return np.ascontiguousarray(array[..., 0])
    constant = array.ndim == 3 and array.shape[2] == 4 and np.ptp(array[..., 3]) == 0
    return np.ascontiguousarray(array[..., :3]) if constant else array


FORMAT = Format(
    name="picture",
    kinds="PNG, JPEG, BMP",
    suffixes=SUFFIXES,
    written=WRITTEN,
    read=read,
    write=write,
    keeps="colours",
)
