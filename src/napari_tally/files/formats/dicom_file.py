"""DICOM files: what is one, and its header without data that identify the patient."""

from __future__ import annotations

import logging
import mmap
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import FileError

if TYPE_CHECKING:
    from pydicom import Dataset

SUFFIXES = (".dcm", ".dicom", ".ima")
# What pydicom raises for damaged files, if it does not read on.
BROKEN = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError,
    RecursionError, ArithmeticError, AssertionError, struct.error,
)  # fmt: skip
_AGAIN = "Copy or export it again"


class DamagedDicomError(FileError):
    """A DICOM file that cannot be parsed; `series` is its series, if that could be read."""

    def __init__(self, path: Path, reason: str, series: tuple[str, ...] = ()) -> None:
        super().__init__(f"The DICOM file {path} is damaged ({reason})", hint=_AGAIN)
        self.path, self.series = path, series


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM: by its suffix, or by its first bytes if it has none.

    Names of DICOM files often have no suffix, or end in the digits of an identifier.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix.strip(".0123456789") or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


@contextmanager
def opened(path: Path, tags: tuple[str, ...] | None = None) -> Iterator[tuple[Dataset, mmap.mmap]]:
    """Yield the header of a file, and its bytes at the place where its pixels begin.

    They are mapped: no length that a damaged header gives is allocated.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    with silent(), path.open("rb") as file, mapped(file.fileno()) as data:
        try:
            names = None if tags is None else list(tags)
            header = dcmread(data, stop_before_pixels=True, specific_tags=names)
        except InvalidDicomError:
            raise DamagedDicomError(path, "it is no DICOM") from None
        yield header, data


def mapped(number: int) -> mmap.mmap:
    """Return an open file as bytes in memory."""
    return mmap.mmap(number, 0, access=mmap.ACCESS_READ)


@contextmanager
def silent() -> Iterator[None]:
    """Keep pydicom from quoting the content of a file: it may be a name."""
    log = logging.getLogger("pydicom")
    before = log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.disabled = True
        try:
            yield
        finally:
            log.disabled = before
