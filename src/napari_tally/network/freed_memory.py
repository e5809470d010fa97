"""Settings of glibc's allocator: freed memory is kept for the next tensors.

By default memory freed at the end of the heap goes back to the system at once, and the tensors of
the next layers request it again, page by page: 18,000 page faults in a step of training on a CPU,
and a sixth of its time (`benchmarks/freed_memory.py`). Segmenting 2048 x 2048 px takes 1.7 instead
of 2.8 s, which is why napari's process is no exception.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache

KEPT = 256 << 20  # bytes that may stay with the process when nothing is left in them
LARGE = 32 << 20  # bytes from which a block is fetched, and given back, by itself
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h


@cache
def keep_freed_memory() -> bool:
    """Let glibc keep some freed memory; return whether it does.

    The setting applies to the whole process, which holds up to 256 MiB more. Other allocators, and
    a user's own settings, are not changed.
    """
    settings = os.environ.get("GLIBC_TUNABLES", "") + "".join(os.environ)
    set_option = _of_glibc("mallopt")
    if set_option is None or "malloc" in settings or "MALLOC_" in settings:
        return False
    return bool(set_option(_TRIM_THRESHOLD, KEPT) and set_option(_MMAP_THRESHOLD, LARGE))


def give_back_memory() -> None:
    """Return free memory to the system, between the blocks of a large volume."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of glibc, None with musl and on other systems."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
