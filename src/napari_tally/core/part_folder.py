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

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

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
    folder, lock = _made(parent)
    try:
        yield folder
    except BaseException:
        for _ in range(_TRIES):  # threads of a writer that has failed may still write
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(_PAUSE_S)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


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
    if fcntl is None:
        return
    with suppress(OSError):
        for left in [*parent.glob(f"{PREFIX}*"), *parent.glob(f"{LOCK}*")]:
            found = left.lstat()
            lock = left.name.startswith(LOCK)
            ours = found.st_uid == os.getuid() and not stat.S_ISLNK(found.st_mode)
            if ours and not (lock and found.st_size):
                _remove_if_dead(left)


def _remove_if_dead(left: Path) -> None:
    with suppress(OSError):
        lock = _locked(left)
        try:
            for old in (left / _OLD).glob("*"):
                if not os.path.lexists(left.parent / old.name):
                    old.rename(left.parent / old.name)
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        finally:
            os.close(lock)


def _made(parent: Path) -> tuple[Path, int | None]:
    """Return a new folder and its lock, which the system releases if the process dies."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        if fcntl is None:
            return folder, None
        try:
            lock = _locked(folder)
        except BlockingIOError:
            continue  # another process is removing it
        except OSError:
            if folder.is_dir():
                return folder, None  # a file system without locks
            continue
        if folder.is_dir():
            return folder, lock
        os.close(lock)


def _locked(path: Path) -> int:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
