"""Temporary folders beside an output: locked while their process lives, later removed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .file_lock import is_own, lock

PREFIX = ".part-"
LOCK = ".tally-"  # files that a process holds while it writes; with content, until it is done
_OLD = ".old"
_TRIES, _PAUSE_S = 4, 0.05
_swept: set[Path] = set()


@contextmanager
def part_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder that is removed with all its content; `parent` must exist."""
    if parent not in _swept:
        _swept.add(parent)
        sweep(parent)
    folder, handle = _made(parent)
    try:
        yield folder
    except BaseException:
        for _ in range(_TRIES):  # threads of a writer that has failed may still write
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(_PAUSE_S)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def set_aside(target: Path, folder: Path) -> Path:
    """Move a file or folder into a part folder, from which `sweep` brings it back; return where."""
    old = folder / _OLD / target.name
    old.parent.mkdir()
    target.rename(old)
    return old


def sweep(parent: Path) -> None:
    """Remove the temporary files of processes that were killed.

    What one of them had set aside comes back, if nothing has taken its place.
    """
    with suppress(OSError):
        for left in [*parent.glob(f"{PREFIX}*"), *parent.glob(f"{LOCK}*")]:
            found = left.lstat()
            in_use = left.name.startswith(LOCK) and found.st_size
            if is_own(found) and not stat.S_ISLNK(found.st_mode) and not in_use:
                _remove_if_dead(left)


def _remove_if_dead(left: Path) -> None:
    with suppress(OSError):
        handle = _locked(left)
        try:
            for old in (left / _OLD).glob("*"):
                if not os.path.lexists(left.parent / old.name):
                    old.rename(left.parent / old.name)
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        finally:
            os.close(handle)


def _made(parent: Path) -> tuple[Path, int | None]:
    """Return a new folder and its lock, which the system releases if the process dies."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            handle = _locked(folder)
        except BlockingIOError:
            continue  # another process is removing it
        except OSError:
            if folder.is_dir():
                return folder, None  # without locks, nothing is cleaned up later
            continue
        if folder.is_dir():
            return folder, handle
        os.close(handle)


def _locked(path: Path) -> int:
    handle = os.open(path, os.O_RDONLY)
    try:
        lock(handle)
    except OSError:
        os.close(handle)
        raise
    return handle
