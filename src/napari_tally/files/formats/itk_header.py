"""What the headers of NRRD and MetaImage have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_LINE_BYTES = 2**20  # of one line: notes of other programs can be long
_HEADER_BYTES = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFiles:
    """Where the pixels are.

    Attributes
    ----------
    names : tuple of str
        Files beside the header, in order; empty if the pixels follow the header.
    start : int
        Bytes (after `lines`) before the pixels of each file; -1 if they are at its end.
    lines : int
        Lines before the pixels of each file.
    codec : str
        "raw", "gzip", "zlib" (with bytes to skip that are not compressed), "bzip2", "text" or
        "hex".
    """

    names: tuple[str, ...] = ()
    start: int = 0
    lines: int = 0
    codec: str = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header of a NRRD or MetaImage.

    Attributes
    ----------
    sizes : tuple of int
        Lengths of the axes, the fastest first, as in the file.
    letters : str
        A letter of TCZYX for each; "?" for a fourth axis that the header does not define.
    dtype : dtype
        With the byte order of the file.
    data : DataFiles
    columns : tuple of ndarray
        The step of each of the axes X, Y, Z in a world of at least as many axes, LPS+ for a
        patient; empty without spacing.
    origin : ndarray
        Position of the first voxel.
    unit : str, optional
        As the header has it; None if it has none.
    oriented : bool
        Whether the header states a patient's space, so that an identity is one.
    notes : dict
        Texts by key.
    colours : bool
        Whether the components are red, green, blue (and alpha).
    """

    sizes: tuple[int, ...]
    letters: str
    dtype: np.dtype[Any]
    data: DataFiles
    columns: tuple[NDArray[np.float64], ...] = ()
    origin: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    unit: str | None = None
    oriented: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    colours: bool = False


class HeaderLines:
    """The lines of a text header, of bounded length."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def next(self) -> str | None:
        """Return the next line without its end, None at the end of the file."""
        line = self._file.readline(_LINE_BYTES)
        if len(line) == _LINE_BYTES or self._file.tell() > _HEADER_BYTES:
            raise ValueError("the header does not end")
        if not line:
            return None
        try:
            return line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            return line.decode("latin-1").rstrip("\r\n")


def whole(text: str, name: str, low: int, high: int) -> int:
    """Return a whole number of a header within bounds."""
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{name} is {text[:40]!r}, not a whole number") from None
    if not low <= number <= high:
        raise ValueError(f"{name} is {number}, not {low} to {high}")
    return number


def wholes(text: str, name: str, low: int, high: int) -> tuple[int, ...]:
    """Return the whole numbers of a header."""
    return tuple(whole(word, name, low, high) for word in text.split())


def numbers(text: str, name: str, count: int | None = None) -> NDArray[np.float64]:
    """Return the numbers of a header."""
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        raise ValueError(f"{name} is {text[:40]!r}, not numbers") from None
    if count is not None and len(values) != count:
        raise ValueError(f"{name} has {len(values)} numbers, not {count}")
    return values
