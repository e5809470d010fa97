"""Write under a temporary name beside the target, then rename: a file is whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import FileError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path that replaces `target` when the block ends without an error.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        suffix = "".join(target.suffixes[-2:])  # libraries tell the format by it: .nii.gz
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
        path.unlink(missing_ok=True)


@contextmanager
def replacing_all(target: Path) -> Iterator[Path]:
    """Give a path of the same name in a temporary folder, for what is a folder or several files.

    All that lies there when the block ends without an error moves beside the target, which moves
    last.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield folder / target.name
        for part in sorted(folder.iterdir(), key=lambda p: p.name == target.name):
            there = target.with_name(part.name)
            if there.is_dir():  # a folder cannot be replaced in one step
                there.rename(folder / ".old")
            part.replace(there)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> FileError:
    reason = error.strerror or str(error)
    return FileError(f"A folder that can be written is needed for {target}", reason)
