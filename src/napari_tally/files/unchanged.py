"""Files must not change while they are read: a mixture of two versions looks like neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import FileError, InputError
from ..core.user_path import user_path

Stamp = list[tuple[str, int, int]]


@contextmanager
def unchanged(*paths: Path) -> Iterator[None]:
    """Check at the end of a block that files, or all files of folders, are what they were.

    Raises
    ------
    FileError
        If one of them has changed.
    """
    before = [_stamp(path) for path in paths]
    yield
    for path, stamp in zip(paths, before, strict=True):
        if _stamp(path) != stamp:
            raise FileError(
                f"{path} changed while it was read", hint="Run it again when it is whole"
            )


def _stamp(path: Path) -> Stamp:
    """Return names, sizes and times; nothing for what is missing, which reading reports."""
    try:
        path = user_path(path)
        files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        facts = [(str(p), p.stat()) for p in files]
    except (OSError, InputError):
        return []
    return sorted((name, fact.st_size, fact.st_mtime_ns) for name, fact in facts)
