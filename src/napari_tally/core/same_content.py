"""Whether two files or folders hold the same, apart from when they were written."""

from __future__ import annotations

import filecmp
import re
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

_WHEN = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC|[+-]\d\d:\d\d)?"
    rb"|urn:uuid:[0-9a-f-]{36}"  # of OME-XML: drawn for each file
)
_PROPERTIES = "docProps/core.xml"  # of a workbook: when it was made
_LARGE = 2**26  # bytes; larger files hold no dates


def same_content(one: Path, other: Path) -> bool:
    """Return whether two files or folders hold the same; dates and times in them do not count."""
    if one.is_dir() and other.is_dir():
        names = _names(one)
        return names == _names(other) and all(_same_file(one / n, other / n) for n in names)
    return one.is_file() and other.is_file() and _same_file(one, other)


def _names(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())


def _same_file(one: Path, other: Path) -> bool:
    if not other.is_file():
        return False
    if filecmp.cmp(one, other, shallow=False):
        return True
    if is_zipfile(one) and is_zipfile(other):
        return _same_members(one, other)
    return max(one.stat().st_size, other.stat().st_size) < _LARGE and _timeless(
        one.read_bytes()
    ) == _timeless(other.read_bytes())


def _same_members(one: Path, other: Path) -> bool:
    try:
        with ZipFile(one) as first, ZipFile(other) as second:
            names = first.namelist()
            return names == second.namelist() and all(
                first.read(name) == second.read(name) for name in names if name != _PROPERTIES
            )
    except (BadZipFile, OSError):
        return False


def _timeless(content: bytes) -> bytes:
    return _WHEN.sub(b"", content)
