"""Which files a list of files, folders and patterns means, and what their results are called."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError

OURS = ("_labels", "_overlay")  # endings of our own pictures


@dataclass(frozen=True)
class InputFile:
    """A file to work on.

    Attributes
    ----------
    path : Path
        The file.
    folder : Path
        Where its results go inside the output folder.
    stem : str
        What the names of its results start with.
    """

    path: Path
    folder: Path
    stem: str


def expand(inputs: Iterable[str], suffixes: tuple[str, ...]) -> list[InputFile]:
    """Return the files that are meant, each once, with names that do not collide.

    Folders are searched with their subfolders, without hidden files and our own outputs. Files
    of one name from different folders keep their folders; files that differ only in their suffix
    keep it in the name of the results.

    Raises
    ------
    InputError
        If one of the inputs means no file.
    """
    found: dict[Path, Path] = {}
    for text in inputs:
        matched = list(_files(text, suffixes))
        if not matched:
            raise InputError("Files, folders or patterns that mean a file are needed", repr(text))
        for path in matched:
            found.setdefault(path.absolute(), path)
    return _named(list(found.values()))


def _files(text: str, suffixes: tuple[str, ...]) -> Iterable[Path]:
    path = Path(text).expanduser()
    if path.is_dir():
        return (p for p in sorted(path.rglob("*")) if _wanted(p, path, suffixes))
    if path.exists() or not glob.has_magic(text):
        return [path]  # a missing file is reported when it is read, and the others go on
    names = sorted(glob.glob(str(path), recursive=True))
    return (p for p in map(Path, names) if p.is_file() and not p.stem.endswith(OURS))


def _wanted(path: Path, top: Path, suffixes: tuple[str, ...]) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
    known = path.name.lower().endswith(suffixes)
    return path.is_file() and known and not hidden and not path.stem.endswith(OURS)


def _named(paths: list[Path]) -> list[InputFile]:
    names = Counter(p.name for p in paths)
    apart = max(names.values(), default=0) > 1
    top = Path(os.path.commonpath([p.absolute().parent for p in paths]))
    folders = [p.absolute().parent.relative_to(top) if apart else Path() for p in paths]
    stems = Counter((f, p.stem) for f, p in zip(folders, paths, strict=True))
    return [
        InputFile(p, f, p.stem if stems[f, p.stem] == 1 else p.name.replace(".", "_"))
        for f, p in zip(folders, paths, strict=True)
    ]
