"""Names of data files in a text header: plain names of files in the same folder."""

from __future__ import annotations

import re
from pathlib import Path

from .itk_header import HeaderLines, whole

_MOST_FILES = 100_000
_PATTERN = re.compile(r"(?P<before>[^%]*)%(?P<width>0?\d{0,2})d(?P<after>[^%]*)")


def patterned(text: str) -> tuple[str, ...]:
    """Return the names that a pattern with its range stands for: `slice%03d.raw 1 20 1`.

    Raises
    ------
    ValueError
        If the pattern has another `%`, or a name is not one of a file in the same folder.
    """
    if "%" not in text:
        return (_plain(text),)
    words = text.split()
    match = _PATTERN.fullmatch(words[0])
    if match is None or not 4 <= len(words) <= 5:
        raise ValueError(f"the data file {text[:60]!r} is no name, or pattern of one number")
    low, high, step = (whole(word, "data file", -(2**31), 2**31) for word in words[1:4])
    numbers = range(low, high + (1 if step > 0 else -1), step or 1)
    if not 0 < len(numbers) <= _MOST_FILES or not step:
        raise ValueError(f"the data file {text[:60]!r} stands for {len(numbers)} files")
    width = match["width"]
    return tuple(_plain(f"{match['before']}{n:{width}d}{match['after']}") for n in numbers)


def listed(lines: HeaderLines) -> tuple[str, ...]:
    """Return the names in the rest of a header, one a line.

    Raises
    ------
    ValueError
        If there are none or too many, or one is not that of a file in the same folder.
    """
    names = []
    while (line := lines.next()) is not None:
        if line.strip():
            names.append(_plain(line.strip()))
        if len(names) > _MOST_FILES:
            raise ValueError(f"it lists more than {_MOST_FILES:,} data files")
    if not names:
        raise ValueError("its list of data files is empty")
    return tuple(names)


def data_file(header: Path, name: str) -> Path:
    """Return the path of a data file beside its header.

    Raises
    ------
    ValueError
        If there is no such file, or it is a link out of the folder, a folder, a pipe or a device.
    """
    path = header.parent / name
    if not path.is_file():
        raise ValueError(f"its data file {name} is missing or no file")
    if path.is_symlink() and path.resolve().parent != header.parent.resolve():
        raise ValueError(f"its data file {name} is a link out of the folder")
    return path


def _plain(name: str) -> str:
    bare = name.removeprefix("./")
    if not bare or bare in (".", "..") or set(bare) & set("/\\\0") or re.match("[A-Za-z]:", bare):
        raise ValueError(f"its data file {name[:60]!r} does not lie beside it")
    return bare
