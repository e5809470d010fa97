"""Files: disk to volume and back, one format a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import FileError
from . import picture, tiff

if TYPE_CHECKING:
    from ..core.volume import Volume

FORMATS = (tiff, picture)
SUFFIXES = tuple(suffix for module in FORMATS for suffix in module.SUFFIXES)


def read(path: str | Path, *, axes: str | None = None) -> Volume:
    """Read an image with its axes, calibration and channel names.

    Parameters
    ----------
    path : path
        A TIFF, PNG, JPEG or BMP file.
    axes : str, optional
        One letter of TCZYX an axis, instead of what the file says.

    Raises
    ------
    FileError
        If the file is missing, is not an image, or is damaged.
    InputError
        If `axes` do not fit the image.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise FileError("An image file is needed", f"the folder {path}")
    if not path.is_file():
        raise FileError("An image file is needed", f"no file at {path}")
    if path.stat().st_size == 0:
        raise FileError(f"An image is needed in {path}", "an empty file")
    return _format(path).read(path, axes)


def write(volume: Volume, path: str | Path) -> None:
    """Write an image or labels with their geometry; the file is whole or not there.

    Raises
    ------
    FileError
        If the format is not known, or the folder cannot be written.
    """
    path = Path(path).expanduser()
    _format(path).write(volume, path)


def _format(path: Path) -> object:
    for module in FORMATS:
        if path.name.lower().endswith(module.SUFFIXES):
            return module
    raise FileError(f"A file of a known format is needed ({', '.join(SUFFIXES)})", f"{path}")
