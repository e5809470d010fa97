"""What a file format is: the suffixes it goes by, and how it is read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..core.volume import Volume


class Reader(Protocol):
    """A function that reads one file, with other axes than the file's if they are told."""

    def __call__(self, path: Path, *, axes: str | None = None) -> Volume: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes
    ----------
    name : str
        What it is called in messages.
    suffixes : tuple of str
        Endings of the files that are read, in lower case.
    written : tuple of str
        Those of them that are also written, without loss.
    read, write : callable
        File to volume, and back.
    """

    name: str
    suffixes: tuple[str, ...]
    written: tuple[str, ...]
    read: Reader
    write: Callable[[Volume, Path], None]
