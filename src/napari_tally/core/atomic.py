"""Write in a temporary folder beside the target, then rename: a file is complete or not there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from .disk import exchange, flush, flush_entries, is_full
from .errors import FileError, OutputExistsError, TallyError
from .part_folder import part_folder, set_aside
from .same_content import same_content

_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_kept: ContextVar[Collection[Path]] = ContextVar("kept", default=())


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path that replaces `target` when the block ends without an error.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full, or another program holds the target open.
    """
    with _beside(target) as folder:
        part = folder / target.name
        yield part
        _put(part, target, folder)


@contextmanager
def replacing_all(target: Path, like: Callable[[Path], bool] | None = None) -> Iterator[Path]:
    """Give a path of the same name in a temporary folder, for what is a folder or several files.

    All its content moves beside the target when the block ends without an error, the target last.

    Parameters
    ----------
    like : callable, optional
        Whether a folder is of the kind that is written; no other is replaced.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full, or another program holds the target open.
    """
    with _beside(target) as folder:
        _check_kind(target, like)
        yield folder / target.name
        _check_kind(target, like)
        for part in sorted(folder.iterdir(), key=lambda p: p.name == target.name):
            _put(part, target.with_name(part.name), folder)


@contextmanager
def keeping(paths: Collection[Path]) -> Iterator[None]:
    """Refuse, within the block, to replace these paths by anything else than the same content."""
    token = _kept.set(paths)
    try:
        yield
    finally:
        _kept.reset(token)


def write_text(text: str, path: Path) -> None:
    """Write a text file that is the same on every system: UTF-8, lines end in LF.

    Raises
    ------
    FileError
        As `replacing` does.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def remove_folder(folder: Path) -> None:
    """Remove a folder in one step: it is whole or gone, whenever the process ends."""
    with _beside(folder) as part:
        folder.rename(part / folder.name)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a temporary folder, and turn errors of the system into sentences."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part_folder(target.parent) as folder:
            try:
                yield folder
            except TallyError:
                raise
            except Exception as error:
                if is_full(error, folder):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise
    except TallyError:
        raise
    except OSError as error:
        raise _unwritable(target, error) from error


def _check_kind(target: Path, like: Callable[[Path], bool] | None) -> None:
    if like is not None and target.is_dir() and any(target.iterdir()) and not like(target):
        raise OutputExistsError(
            f"{target} is a folder that holds something else", hint="Choose another name"
        )


def _put(part: Path, target: Path, folder: Path) -> None:
    """Move a file or folder to its target."""
    if target in _kept.get() and os.path.lexists(target):
        if same_content(part, target):
            return
        raise OutputExistsError(
            f"{target} exists already, with other content",
            hint="Replace it with --overwrite, or choose another name",
        )
    flush(part)
    try:
        part.replace(target)
    except OSError as error:
        if not _is_folder_in_the_way(error, part, target):
            raise
        if not exchange(part, target):
            _put_after(part, target, folder)
    flush_entries(target.parent)


def _is_folder_in_the_way(error: OSError, part: Path, target: Path) -> bool:
    if not (part.is_dir() and target.is_dir()):
        return False
    return error.errno in _NOT_EMPTY or target.is_symlink() or os.name == "nt"


def _put_after(part: Path, target: Path, folder: Path) -> None:
    """Replace a folder in two steps; between them `sweep` finds the old one."""
    old = set_aside(target, folder)
    try:
        part.replace(target)
    except OSError:
        with suppress(OSError):
            old.rename(target)
        raise


def _unwritable(target: Path, error: OSError) -> FileError:
    reason = error.strerror or str(error)
    in_use = isinstance(error, PermissionError) and target.exists()
    hint = "Close it in other programs and windows" if in_use else ""
    return FileError(f"{target} cannot be written: {reason}", hint=hint)
