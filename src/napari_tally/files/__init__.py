"""Files: disk to volume and back, one format a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import FileError
from . import picture, tiff
from .format import Format

if TYPE_CHECKING:
    import os

    from ..core.volume import Volume

FORMATS = (
    Format("TIFF", tiff.SUFFIXES, tiff.SUFFIXES, tiff.read, tiff.write),
    Format("picture", picture.SUFFIXES, picture.WRITTEN, picture.read, picture.write),
)


def readable(path: Path) -> bool:
    """Return whether the name of a file says that it can be read."""
    return any(path.suffix.lower() in f.suffixes for f in FORMATS)


def read(path: str | os.PathLike[str], *, axes: str | None = None) -> Volume:
    """Read an image with its axes, spacing, unit and channel names.

    Parameters
    ----------
    path : path
        A file of one of the `FORMATS`.
    axes : str, optional
        One letter of TCZYX an axis, where the file's own are wrong or missing.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another format.
    InputError
        If its axes are unclear or do not fit.
    """
    path = Path(path).expanduser()
    for each in FORMATS:
        if path.suffix.lower() in each.suffixes:
            return each.read(path, axes=axes)
    raise _unknown(path, tuple(s for f in FORMATS for s in f.suffixes))


def write(volume: Volume, path: str | os.PathLike[str]) -> None:
    """Write an image with its axes, spacing, unit and channel names.

    The file is written beside its target and then renamed, so that it is whole or not there.

    Raises
    ------
    FileError
        If the folder cannot be written or the suffix is of no format that is written.
    InputError
        If the format cannot hold the image.
    """
    path = Path(path).expanduser()
    for each in FORMATS:
        if path.suffix.lower() in each.written:
            return each.write(volume, path)
    raise _unknown(path, tuple(s for f in FORMATS for s in f.written))


def _unknown(path: Path, suffixes: tuple[str, ...]) -> FileError:
    return FileError(f"A file that ends in {', '.join(suffixes)} is needed", str(path))
