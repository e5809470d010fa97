"""The description of a file format: suffixes, reader and writer, and what it preserves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ...core.errors import FileError, InputError, sentence

if TYPE_CHECKING:
    from ...core.options import Options
    from ...core.volume import Volume
    from .series import Series


@dataclass(frozen=True, slots=True)
class Pyramid:
    """An image or labels at several resolutions, for a viewer.

    Attributes
    ----------
    levels : list of Volume
        The finest first.
    colours : tuple of str
        A colour (#RRGGBB) for each channel, or empty.
    """

    levels: list[Volume]
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One file format. Each module of this folder declares one, and `FORMATS` lists it.

    Attributes
    ----------
    name : str
        What it is called in messages.
    kinds : str
        Its variants, for the documentation: "OME, ImageJ, plain".
    suffixes : tuple of str
        Endings of the files (or folders) that are read, in lower case: ".nii", ".nii.gz".
    written : tuple of str
        Those of them that are also written, without loss.
    read : callable
        `read(path, *, axes=None)` to a volume; `read(path, *, axes=None, series=None)` if the
        format has `list_series`.
    read_header : callable, optional
        As `read`, but the pixels are `Undecoded`, where that takes less than to read them.
    read_labels : callable, optional
        `read_labels(path, *, axes=None)` where labels are stored otherwise than images: the
        indices of a palette instead of its colours.
    write : callable, optional
        `write(volume, path)`, with the fields of `write_options` as keyword arguments.
    write_options : type of Options, optional
        What can be chosen when it is written.
    list_series : callable, optional
        Path to the images in it, where a file can hold several.
    list_pyramids : callable, optional
        Path to the image and its labels at all their resolutions, where a file can hold several.
    recognizes : callable, optional
        Whether a path without a suffix of ours, or a folder, is of this format.
    same_image : callable, optional
        Path to the files that `read` joins to one image, where an image may have several.
    folder : bool
        Whether an image is a folder of its own, with nothing else in it.
    slices : bool
        Whether the files of a folder are slices of one image.
    napari_reads, napari_writes : tuple of str
        Suffixes that our reader claims in napari, because it reads more than napari's own, and
        those that napari offers for saving.
    packages, extra : tuple of str, str
        Packages that reading or writing takes, and the extra of napari-tally that installs them.
    keeps_affine : bool
        Whether orientation and origin are kept; labels of such an image are then written in its
        own format.
    keeps, lazy : str
        What else is kept, and which suffixes are read lazily, for the documentation.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[..., Volume]
    kinds: str = ""
    read_header: Callable[..., Volume] | None = None
    written: tuple[str, ...] = ()
    read_labels: Callable[..., Volume] | None = None
    write: Callable[..., None] | None = None
    write_options: type[Options] | None = None
    list_series: Callable[[Path], list[Series]] | None = None
    list_pyramids: Callable[[Path], list[Pyramid]] | None = None
    recognizes: Callable[[Path], bool] | None = None
    same_image: Callable[[Path], set[Path]] | None = None
    folder: bool = False
    slices: bool = False
    napari_reads: tuple[str, ...] = ()
    napari_writes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extra: str = ""
    keeps_affine: bool = False
    keeps: str = ""
    lazy: str = ""

    def check_installed(self) -> None:
        """Check that the packages of the format are installed.

        Raises
        ------
        FileError
            If one is not installed.
        """
        for package in self.packages:
            if find_spec(package) is None:
                raise FileError(
                    f"{self.name} files require the package {package}, which is not installed",
                    hint=f'Install it with: pip install "napari-tally[{self.extra}]"',
                )

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of writing, without those that are None.

        Raises
        ------
        InputError
            If the format has no such option, or the value is not allowed.
        """
        given = {name: value for name, value in options.items() if value is not None}
        known = {} if self.write_options is None else self.write_options.model_fields
        for name in given.keys() - known.keys():
            raise InputError(f"{self.name} has no option {name}", hint="Omit it")
        if self.write_options is None:
            return {}
        try:
            return self.write_options(**given).model_dump()
        except ValidationError as error:
            wrong = error.errors()[0]["input"]
            raise InputError(f"{sentence(error)}, not {wrong!r}") from error


def ending(path: Path, suffixes: Iterable[str]) -> str:
    """Return the longest of the suffixes that a name ends in, "" if in none: `.nii.gz`."""
    name = path.name.lower()
    found = (s for s in suffixes if name.endswith(s) and len(name) > len(s))
    return max(found, key=len, default="")
