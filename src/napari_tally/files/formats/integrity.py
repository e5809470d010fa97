"""Refuse missing or truncated files, which libraries may read as incomplete images."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ...core.errors import FileError
from .claimed_size import DEFLATE, LZW, PACKBITS, check_claimed_size, check_free_memory

if TYPE_CHECKING:
    import tifffile

# Tags without whose values an image or its calibration is lost: bits, description, strips,
# resolution, tiles, and ImageJ's metadata.
_NEEDED = (258, 270, 273, 279, 282, 283, 324, 325, 50838, 50839)
_TYPE_BYTES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
_RATIOS = {1: 1, 8: DEFLATE, 32946: DEFLATE, 5: LZW, 32773: PACKBITS}  # by TIFF's compression
_FAR, _CLASSIC_BYTES = (".ndpi", ".lsm"), 2**32
_AGAIN = "Copy or download it again"


def check_file(path: Path) -> None:
    """Refuse a path that is missing, a folder, a pipe or device, empty or unreadable.

    Raises
    ------
    FileError
        In these cases.
    """
    if not path.exists():
        raise FileError(f"{path} does not exist")
    if path.is_dir():
        raise FileError(f"{path} is a folder, not an image file")
    if not path.is_file():
        raise FileError(f"{path} is a named pipe, a socket or a device, not an image file")
    if not os.access(path, os.R_OK):
        raise FileError(f"There is no permission to read {path}")
    if path.stat().st_size == 0:
        raise FileError(f"{path} is empty (0 bytes)", hint=_AGAIN)


def check_tiff(path: Path) -> None:
    """Refuse a file that is not a TIFF, or whose directories reach beyond its end.

    Libraries drop such directories with no more than a line in a log: a stack then has fewer
    planes, or no calibration.

    Raises
    ------
    FileError
        In these cases, and those of `check_file`.
    """
    check_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        if head[:2] not in (b"II", b"MM") or not {42, 43} & set(head[2:]):
            raise FileError(f"{path} is not a TIFF file")
        far = path.suffix.lower() in _FAR and size > _CLASSIC_BYTES  # places have more than 32 bits
        if not far and any(end > size for end in _ends(file, head)):
            raise truncated(path, size)


def check_imagej(tif: tifffile.TiffFile, path: Path) -> None:
    """Refuse a stack of ImageJ that has one directory for all planes but not all of them.

    Raises
    ------
    FileError
        In this case.
    """
    if len(tif.pages) > 1 or not tif.is_imagej:
        return
    planes = int((tif.imagej_metadata or {}).get("images", 1))
    page, size = tif.pages.first, tif.filehandle.size
    if planes > 1 and page.dataoffsets and page.dataoffsets[0] + planes * page.nbytes > size:
        raise truncated(path, size)


def check_data(series: tifffile.TiffPageSeries, path: Path, *, loaded: bool) -> None:
    """Refuse a series with missing pages, or with pixels beyond the end of the file.

    Raises
    ------
    FileError
        In these cases.
    """
    pages = [page for page in series.pages if page is not None]
    missing = len(series.pages) - len(pages)
    if loaded:
        check_free_memory(path, math.prod(series.shape) * series.dtype.itemsize)
    if missing:
        raise FileError(
            f"{path} lacks {missing} of its {len(series.pages)} planes",
            hint="If the recording has several files, put them into the same folder",
        )
    size = series.keyframe.parent.filehandle.size
    if series.dataoffset is not None:
        end = series.dataoffset + math.prod(series.shape) * series.dtype.itemsize
        if end > size:
            raise truncated(path, size)
    check_pages(pages, path)


def check_pages(pages: Sequence[Any], path: Path) -> None:
    """Refuse pages of a TIFF with pixels beyond the end of their file, or more than it can hold.

    Raises
    ------
    FileError
        In these cases.
    """
    for page in pages:
        size = page.parent.filehandle.size
        if _data_end(page) > size:
            raise truncated(path, size)
    for page in pages:
        key = page.keyframe
        if key.dtype is None:
            continue
        parts = [(key.shape, sum(page.databytecounts))]
        if key.is_tiled:
            parts.append((key.chunks, max(page.databytecounts, default=0)))
        for shape, held in parts:
            check_claimed_size(
                path, shape, key.dtype, compressed=True, loaded=False, ratio=_ratio(page, key),
                held=held,
            )  # fmt: skip


def _ratio(page: Any, key: Any) -> float | None:
    """Return how many bytes of pixels a byte of the file may stand for; None without a bound."""
    packed = key.dtype.itemsize * 8 / max(int(key.bitspersample), 1)
    subsampled = int(key.photometric) == 6
    if 0 in page.databytecounts or subsampled:  # tiles that are left out are empty
        return None
    most = _RATIOS.get(int(key.compression))
    return None if most is None else most * packed


def truncated(path: Path, size: int) -> FileError:
    """Return the error for a file that ends too early."""
    return FileError(f"{path} is truncated at {size:,} bytes", hint=_AGAIN)


def _data_end(page: Any) -> int:
    if not page.dataoffsets:
        return 0
    if page.is_contiguous:  # the byte counts of some writers are padded beyond the file's end
        return int(page.dataoffsets[0] + page.nbytes)
    return max(int(o + c) for o, c in zip(page.dataoffsets, page.databytecounts, strict=False))


def _ends(file: BinaryIO, head: bytes) -> Iterator[int]:
    """Yield where each directory of a TIFF, and each needed value outside it, ends."""
    order, big = "<" if head[:2] == b"II" else ">", 43 in head[2:]
    word = np.dtype(order + ("u8" if big else "u4"))
    number = np.dtype(order + ("u8" if big else "u2"))
    entry = np.dtype(
        [("tag", order + "u2"), ("type", order + "u2"), ("count", word), ("value", word)]
    )
    at = _number(file, 8 if big else 4, word)
    visited: set[int] = set()
    while at is None or (at and at not in visited):
        count = None if at is None else _number(file, at, number)
        if at is None or count is None:
            yield 1 << 64  # a directory that should be there and is not
            return
        visited.add(at)
        table = at + number.itemsize
        end = table + count * entry.itemsize + word.itemsize
        yield end
        file.seek(table)
        data = file.read(count * entry.itemsize)
        entries = np.frombuffer(data[: len(data) // entry.itemsize * entry.itemsize], entry)
        yield from _value_ends(entries, word.itemsize)
        at = _number(file, end - word.itemsize, word)


def _number(file: BinaryIO, at: int, kind: np.dtype[Any]) -> int | None:
    """Return the number at a place of the file, None beyond its end."""
    try:
        file.seek(at)
    except (OSError, ValueError):  # a place that no file can have
        return None
    data = file.read(kind.itemsize)
    return int(np.frombuffer(data, kind)[0]) if len(data) == kind.itemsize else None


def _value_ends(entries: np.ndarray[Any, Any], inline: int) -> Iterator[int]:
    for tag, kind, count, value in entries.tolist():
        bytes_ = _TYPE_BYTES.get(kind, 0) * count
        if tag in _NEEDED and bytes_ > inline:
            yield value + bytes_
