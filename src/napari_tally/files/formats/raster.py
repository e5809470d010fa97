"""PNG, JPEG, BMP, GIF and WebP: images without calibration, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import replacing
from ...core.errors import FileError, InputError, printable
from ...core.volume import Volume
from .claimed_size import check_claimed_size, check_free_memory
from .format import Format
from .integrity import check_file
from .turned import STORED_AS_SHOWN, TAG, turned
from .voc_palette import VOID, is_voc
from .voxel_size import logger

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
WRITTEN = (".png",)
_COLOURS = ("red", "green", "blue", "alpha")
_PNG = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _GREY_ALPHA, _RGB_ALPHA = 0, 2, 4, 6  # PNG's colour types
_SAMPLES = {_GREY: 1, _RGB: 3, _GREY_ALPHA: 2, _RGB_ALPHA: 4}
_AS_RGB = ("CMYK", "YCbCr", "LAB", "HSV", "RGBX")
_LOSSY = ("JPEG", "WEBP")
_BROKEN = (ValueError, KeyError, IndexError, TypeError, RuntimeError, OSError, SyntaxError)


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read a picture as (Y, X) or, with red, green, blue and maybe alpha, as (Y, X, C).

    It is turned as its EXIF says; the frames of an animation become T. An alpha that is the same
    everywhere is dropped, that of a grey picture always. The indices of a palette become its
    colours, or greys if all of them are grey.

    Parameters
    ----------
    path : Path
        PNG, JPEG, BMP, GIF or WebP.
    axes : str, optional
        YX or YXC, with T in front for an animation; it must fit.

    Raises
    ------
    FileError
        If the file is missing, damaged or not a picture.
    InputError
        If the axes do not fit.
    """
    return _volume(path, axes, labels=False)


def read_labels(path: Path, *, axes: str | None = None) -> Volume:
    """Read a picture of labels: the indices of its palette, or grey values as they are stored."""
    return _volume(path, axes, labels=True)


def _volume(path: Path, axes: str | None, *, labels: bool) -> Volume:
    check_file(path)
    try:
        array, orientation = _pixels(path, labels)
    except _BROKEN as error:
        if isinstance(error, FileError):
            raise
        reason = printable(str(error))
        raise FileError(f"The picture {path} cannot be read ({reason})") from error
    names = _COLOURS[: array.shape[-1]] if array.ndim > 2 and array.shape[-1] < 5 else ()
    film = array.ndim - 2 - bool(names)
    file_axes = "T" * film + "YX" + "C" * bool(names)
    if axes is not None and axes.strip().upper() != file_axes:
        raise InputError(f"{path.name} has the axes {file_axes}, not {axes!r}")
    array = turned(array, orientation, file_axes, path.name)
    array = np.require(array, requirements=("C", "W"))  # Pillow's are read-only
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


def _pixels(path: Path, labels: bool) -> tuple[NDArray[Any], int]:
    """Return the pixels, with samples last if there are several, and EXIF's orientation."""
    from PIL import Image
    from PIL.Image import DecompressionBombError

    with path.open("rb") as file:
        head = file.read(26)
    png = head.startswith(_PNG) and len(head) == 26
    if png and head[24] == 16:  # Pillow cuts 16 bits a sample down to 8
        return _deep_pixels(path, head), _exif_of_png(path)
    try:
        with Image.open(path) as image:
            frames = [_frame(image, n, labels) for n in range(_frames(image, path))]
            if labels and image.format in _LOSSY:
                text = "%s: %s changes ids where objects meet. Save labels as PNG or TIFF."
                logger.warning(text, path.name, image.format)
            orientation = int(image.getexif().get(TAG, STORED_AS_SHOWN))
    except DecompressionBombError as error:
        raise ValueError(f"{error}; save it as a TIFF") from error
    array = frames[0] if len(frames) == 1 else np.stack(frames)
    if labels and png and head[25] == _GREY and head[24] in (2, 4):
        array = array // (255 // (2 ** head[24] - 1))  # Pillow widens samples to 0 to 255
    return array, orientation


def _frames(image: Image, path: Path) -> int:
    """Return the number of frames that fit in the memory, with one colour type for all."""
    count = int(getattr(image, "n_frames", 1))
    if count > 1:
        check_free_memory(path, count * image.width * image.height * 4)
    return count


def _frame(image: Image, number: int, labels: bool) -> NDArray[Any]:
    """Return one frame as (Y, X) or (Y, X, colours)."""
    if number or getattr(image, "n_frames", 1) > 1:
        image.seek(number)
        if image.mode != "RGBA":  # later frames of a GIF are in colours, the first in a palette
            image = image.convert("RGB")
        return _without_alpha(_greys(np.asarray(image)))
    if image.mode == "P" and labels and is_voc(image.getpalette()):
        return _without_void(np.asarray(image), Path(str(getattr(image, "filename", ""))).name)
    if image.mode == "P" and not labels:
        clear = "transparency" in image.info
        return _without_alpha(_greys(np.asarray(image.convert("RGBA" if clear else "RGB"))))
    if image.mode in _AS_RGB:
        image = image.convert("RGB")
    elif image.mode == "PA":
        image = image.getchannel(0) if labels else image.convert("RGBA")
    elif image.mode == "1":  # its bytes are 0 and 255, also those of an array of bool
        return np.asarray(image.convert("L")) > 0
    return _without_alpha(np.asarray(image))


def _without_void(ids: NDArray[Any], name: str) -> NDArray[Any]:
    """Return ids of Pascal VOC without void, which is between objects and is none."""
    if (ids == VOID).any():
        logger.warning("%s: the void of Pascal VOC (255) is read as background.", name)
    return np.where(ids == VOID, 0, ids)


def _deep_pixels(path: Path, head: bytes) -> NDArray[Any]:
    from imagecodecs import png_decode

    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    samples = _SAMPLES.get(head[25], 1)
    check_claimed_size(path, (height, width, samples), np.uint16, compressed=True)
    return _without_alpha(np.asarray(png_decode(path.read_bytes())))


def _exif_of_png(path: Path) -> int:
    """Return the orientation in the chunk of a PNG that holds EXIF, if there is one."""
    from PIL.Image import Exif

    exif = Exif()
    for kind, data in _chunks(path):
        if kind == b"eXIf":
            exif.load(data)
    return int(exif.get(TAG, STORED_AS_SHOWN))


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG; the data of those with pixels are passed over."""
    with path.open("rb") as file:
        file.seek(len(_PNG))
        while len(head := file.read(8)) == 8:
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            at = file.tell()
            yield kind, file.read(size) if kind == b"eXIf" else b""
            file.seek(at + size + 4)


def _greys(array: NDArray[Any]) -> NDArray[Any]:
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
    kinds="PNG, JPEG, BMP, GIF, WebP",
    suffixes=SUFFIXES,
    written=WRITTEN,
    read=read,
    read_labels=read_labels,
    write=write,
    keeps="colours",
)
