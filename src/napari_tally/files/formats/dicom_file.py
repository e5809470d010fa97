"""DICOM files: what is one, and its header without data that identify the patient."""

from __future__ import annotations

import logging
import mmap
import struct
import warnings
import zlib
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
    RuntimeError, ArithmeticError, AssertionError, struct.error, zlib.error,
)  # fmt: skip
_AGAIN = "Copy or export it again"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_SERIES = 0x0020000E  # tag of the identifier of the series
_META_END = 144  # of the length of the group of file meta elements
_MAGIC_END = 132
_CHUNK = 2**24
_MOST_INFLATED = 2**31  # bytes of a deflated data set, which pydicom inflates at once


class DamagedDicomError(FileError):
    """A DICOM file that cannot be parsed; `series` is its series, if that could be read."""

    def __init__(self, path: Path, reason: str, series: tuple[str, ...] = ()) -> None:
        super().__init__(f"The DICOM file {path} is damaged ({reason})", hint=_AGAIN)
        self.path, self.series = path, series


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM: by its suffix, or by its first bytes if it has none.

    Names of DICOM files often have no suffix, or end in the digits of an identifier.
    """
    return path.suffix.lower() in SUFFIXES or _start(path)[128:] == b"DICM"


def is_cut(path: Path) -> bool:
    """Return whether a file among DICOM files is one of which hardly anything is left."""
    start = _start(path)
    return (
        len(start) < _MAGIC_END and not path.name.startswith(".") and not start[:128].strip(b"\0")
    )


def _start(path: Path) -> bytes:
    """Return the first bytes of a file whose name may be that of a DICOM without a suffix."""
    if path.suffix.strip(".0123456789") or not path.is_file():
        return b"other"
    try:
        with path.open("rb") as file:
            return file.read(_MAGIC_END)
    except OSError:
        return b"other"


@contextmanager
def opened(
    path: Path, tags: tuple[str | int, ...] | None = None
) -> Iterator[tuple[Dataset, mmap.mmap]]:
    """Yield the header of a file, and its bytes at the place where its pixels begin.

    They are mapped: no length that a damaged header gives is allocated.
    """
    from pydicom import dcmread
    from pydicom.errors import BytesLengthException, InvalidDicomError

    with silent(), path.open("rb") as file, mapped(file.fileno()) as data:
        _check_inflated(data)
        names = None if tags is None else list(tags)
        try:
            yield dcmread(data, stop_before_pixels=True, specific_tags=names), data
        except InvalidDicomError:
            raise DamagedDicomError(path, "it is no DICOM") from None
        except BytesLengthException as error:
            raise ValueError("a value has the wrong length") from error


def series_before_damage(path: Path) -> tuple[str, ...]:
    """Return the series of a file whose header cannot be read to its end; empty if not known."""
    from pydicom.filereader import read_partial

    try:
        with silent(), path.open("rb") as file, mapped(file.fileno()) as data:
            header = read_partial(data, stop_when=lambda tag, *_: tag > _SERIES)
            uid = str(header.get("SeriesInstanceUID") or "")
    except BROKEN:
        return ()
    return (uid,) if uid else ()


def _check_inflated(data: mmap.mmap) -> None:
    """Refuse a deflated data set that is too large, before it is inflated at once."""
    if _DEFLATED not in data[:1024]:
        return
    at = _META_END + int.from_bytes(data[_META_END - 4 : _META_END], "little")
    stream, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    tail = data[at:]
    while tail and not stream.eof:
        size += len(stream.decompress(tail, _CHUNK))
        tail = stream.unconsumed_tail
        if size > _MOST_INFLATED:
            raise ValueError(f"it inflates to more than {_MOST_INFLATED:,} bytes")


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
