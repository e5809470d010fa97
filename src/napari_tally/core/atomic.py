"""Write under a temporary name beside the target, then rename: a file is complete or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import FileError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path that replaces `target` when the block ends without an error.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full, or another program holds the target open.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        suffix = "".join(target.suffixes[-2:])  # libraries choose the format by it: .nii.gz
        handle, name = tempfile.mkstemp(suffix=suffix, prefix=".part-", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(target, error) from error
    path = Path(name)
    try:
        yield path
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)  # mkstemp's files are private
        path.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        with suppress(OSError):  # Windows removes no file that a failed writer has left open
            path.unlink(missing_ok=True)


@contextmanager
def replacing_all(target: Path) -> Iterator[Path]:
    """Give a path of the same name in a temporary folder, for what is a folder or several files.

    All its content moves beside the target when the block ends without an error, the target last.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full, or another program holds the target open.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield folder / target.name
        for part in sorted(folder.iterdir(), key=lambda p: p.name == target.name):
            _move(part, target.with_name(part.name), folder / ".old")
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(text: str, path: Path) -> None:
    """Write a text file that is the same on every system: UTF-8, lines end in LF.

    Raises
    ------
    FileError
        As `replacing` does.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _move(part: Path, target: Path, old: Path) -> None:
    """Move a file or folder to a target; a folder there comes back if that fails."""
    if not target.is_dir():
        part.replace(target)
        return
    target.rename(old)  # a folder cannot be replaced in one step
    try:
        part.replace(target)
    except OSError:
        old.rename(target)
        raise


def _unwritable(target: Path, error: OSError) -> FileError:
    reason = error.strerror or str(error)
    in_use = isinstance(error, PermissionError) and target.exists()
    hint = "Close it in other programs and windows" if in_use else ""
    return FileError(f"{target} cannot be written: {reason}", hint=hint)
