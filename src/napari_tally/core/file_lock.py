"""Lock files for one process: the system releases a lock when its process dies."""

from __future__ import annotations

import os

try:
    import fcntl
except ImportError:  # Windows
    LOCKS = False
else:
    LOCKS = True


def lock(handle: int) -> None:
    """Lock an open file or folder; the lock ends when it is closed.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    OSError
        If its file system, or the system, has no such locks.
    """
    if not LOCKS:
        raise OSError("this system has no locks of files")
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_own(status: os.stat_result) -> bool:
    """Return whether a file is of this user; where there are no users, it is."""
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()
