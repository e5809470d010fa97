"""What a file format is: the suffixes it goes by, and how it is read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import FileError, InputError

if TYPE_CHECKING:
    from ...core.volume import Volume
    from .series import Series


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes
    ----------
    name : str
        What it is called in messages.
    suffixes : tuple of str
        Endings of the files (or folders) that are read, in lower case: ".nii", ".nii.gz".
    written : tuple of str
        Those of them that are also written, without loss.
    reader : callable
        (path, axes=...) to volume, with other axes than the file's if they are told; also with
        series=... if the format has `list_series`.
    writer : callable, optional
        (volume, path) to disk.
    list_series : callable, optional
        Path to the images in it, where a file can hold several.
    recognizes : callable, optional
        Whether a path without a suffix of ours, or a folder, is of this format.
    folder : bool
        Whether an image is a folder of its own, with nothing else in it.
    """

    name: str
    suffixes: tuple[str, ...]
    written: tuple[str, ...]
    reader: Callable[..., Volume]
    writer: Callable[[Volume, Path], None] | None = None
    list_series: Callable[[Path], list[Series]] | None = None
    recognizes: Callable[[Path], bool] | None = None
    folder: bool = False

    def read(self, path: Path, axes: str | None, series: str | None) -> Volume:
        """Read one image of a file.

        Raises
        ------
        InputError
            If a series is asked for and the format has none.
        """
        if self.list_series is not None:
            return self.reader(path, axes=axes, series=series)
        if series is not None:
            raise InputError(
                f"No series is needed for {path.name}, of the format {self.name}", repr(series)
            )
        return self.reader(path, axes=axes)


def ending(path: Path, suffixes: Iterable[str]) -> str:
    """Return the longest of the suffixes that a name ends in, "" if in none: `.nii.gz`."""
    name = path.name.lower()
    found = (s for s in suffixes if name.endswith(s) and len(name) > len(s))
    return max(found, key=len, default="")


def need(package: str, what: str, extra: str) -> None:
    """Refuse to go on without a package that an extra of ours brings.

    Raises
    ------
    FileError
        If the package is not installed.
    """
    if find_spec(package) is None:
        raise FileError(
            f"The package {package} is needed for {what}",
            "none",
            f'Install it with: pip install "napari-tally[{extra}]"',
        )
