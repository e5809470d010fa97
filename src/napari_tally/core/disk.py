"""What the operating system does in one step, and what is on the disk after it."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_MANY = 64  # files, from which syncing everything is faster than each of them
_LITTLE = 2**15  # bytes; with less, a disk is full


def exchange(one: Path, other: Path) -> bool:
    """Swap two files or folders in one step; return False where the system has no such step."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if _linux() else None
    if rename is None:
        return False
    sys.audit("napari_tally.exchange", str(one), str(other))
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNKNOWN:
        return False
    raise OSError(code, os.strerror(code), str(other))


def flush(path: Path) -> None:
    """Wait until a file, or all there is in a folder, would survive a loss of power."""
    if not path.is_dir():
        _synced(path)
        return
    inside = [*path.rglob("*"), path]
    if len(inside) > _MANY and hasattr(os, "sync"):
        os.sync()
        return
    for each in inside:
        (flush_entries if each.is_dir() else _synced)(each)


def flush_entries(folder: Path) -> None:
    """Wait until the names in a folder would survive a loss of power, where it can be known."""
    if os.name == "posix":
        with suppress(OSError):  # some network file systems do not sync folders
            _synced(folder)


def is_full(error: BaseException, folder: Path) -> bool:
    """Return whether an error is due to a full disk; libraries raise errors of their own kinds."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    try:
        return shutil.disk_usage(folder).free < _LITTLE
    except OSError:
        return False


def _synced(path: Path) -> None:
    # Windows syncs only what is open for writing.
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _linux() -> bool:
    return sys.platform.startswith("linux")
