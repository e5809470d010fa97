"""Memory of the CPU that is kept for the next tensors.

glibc gives what is freed at the end of its heap back to the system at once, and tensors of the next
layers fetch it anew, page by page: 14,000 page faults in a step of training, and a tenth to a fifth
of its time (`benchmarks/allocator.py`).
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
    """Let glibc keep some of what is freed; tell whether it does.

    Left alone are other allocators, and a user's own settings of this one.
    """
    told = os.environ.get("GLIBC_TUNABLES", "") + "".join(os.environ)
    set_option = _of_glibc("mallopt")
    if set_option is None or "malloc" in told or "MALLOC_" in told:
        return False
    return bool(set_option(_TRIM_THRESHOLD, KEPT) and set_option(_MMAP_THRESHOLD, LARGE))


def give_back_memory() -> None:
    """Give back what is kept and not in use, where memory is to stay within bounds."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of glibc; musl and other systems have none."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
