"""The directory of a CZI, checked before its reader, written in C++, trusts what it says."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...core.errors import FileError

_FILE, _DIRECTORY = b"ZISRAWFILE", b"ZISRAWDIRECTORY"
_SEGMENT = 32  # bytes of the header of a segment
_DIRECTORY_AT = 84  # where the file header notes the place of the directory
_ENTRIES_AT = _SEGMENT + 128
_ENTRY = struct.Struct("<2sIQII6sI")  # of a sub-block, before its dimensions
_DIMENSION = struct.Struct("<4sii4si")  # name, start, size, coordinate, stored size
_MOST_DIMENSIONS = 16
_GAPS = 50  # times that the grid of planes may exceed those that are stored
_EMPTY = 1000  # times that the area around all tiles may exceed that of the tiles


def check_czi(path: Path) -> None:
    """Refuse a CZI whose directory points beyond the file or claims absurd sizes.

    Other files pass: that they are no CZI is for its reader to say.

    Raises
    ------
    FileError
        In these cases.
    """
    with path.open("rb") as file:
        if file.read(len(_FILE)) != _FILE:
            return
        try:
            entries = list(_entries(file, path.stat().st_size))
        except (struct.error, ValueError, OverflowError, OSError) as error:
            raise _damaged(path, str(error)) from error
    if not entries:
        raise FileError(f"{path} holds no image")
    _check_extent(path, entries)


def _entries(file: BinaryIO, size: int) -> Iterator[dict[str, tuple[int, int]]]:
    """Yield start and size along each dimension of every sub-block."""
    file.seek(_DIRECTORY_AT)
    (place,) = struct.unpack("<q", file.read(8))
    if not 0 < place < size:
        raise ValueError("its directory is not there: the recording was stopped")
    file.seek(place)
    if not file.read(16).startswith(_DIRECTORY):
        raise ValueError("its directory is not there")
    file.seek(place + _SEGMENT)
    (count,) = struct.unpack("<i", file.read(4))
    file.seek(place + _ENTRIES_AT)
    for _ in range(count):
        schema, _, position, _, _, _, dimensions = _ENTRY.unpack(file.read(_ENTRY.size))
        if schema != b"DV" or position + _SEGMENT > size or dimensions > _MOST_DIMENSIONS:
            raise ValueError("a sub-block lies beyond its end")
        found: dict[str, tuple[int, int]] = {}
        for _ in range(dimensions):
            name, start, length, _, _ = _DIMENSION.unpack(file.read(_DIMENSION.size))
            if length < 0 or not name[:1].isalpha():
                raise ValueError("a sub-block has a size below 0")
            found[name[:1].decode("latin-1")] = start, length
        yield found


def _check_extent(path: Path, entries: list[dict[str, tuple[int, int]]]) -> None:
    """Compare the box around all sub-blocks with what they hold."""
    extents = {}
    for name in {name for entry in entries for name in entry}:
        places = [entry[name] for entry in entries if name in entry]
        extents[name] = max(s + max(n, 1) for s, n in places) - min(s for s, _ in places)
    area = math.prod(extents.get(a, 1) for a in "YX")
    tiles = extents.get("M", 1)  # of a mosaic
    planes = math.prod(n for a, n in extents.items() if a not in "YXM")
    stored = sum(entry.get("X", (0, 1))[1] * entry.get("Y", (0, 1))[1] for entry in entries)
    if max(planes, tiles) > _GAPS * len(entries) or area > _EMPTY * max(stored, 1):
        raise _damaged(path, f"it claims {planes} planes of {tiles} tiles, {area} px")


def _damaged(path: Path, why: str) -> FileError:
    return FileError(f"{path} is damaged ({why})", hint="Copy or export it again")
