"""Memory of the CPU that is kept for the next tensors.

glibc gives what is freed at the end of its heap back to the system at once, and tensors of the next
layers fetch it anew, page by page: 14,000 page faults in a step of training, and a tenth to a fifth
of its time (`benchmarks/allocator.py`).
"""

from __future__ import annotations

import ctypes
import os
import sys
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
    if sys.platform != "linux" or "malloc" in told or "MALLOC_" in told:
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if set_option is None:
        return False
    return bool(set_option(_TRIM_THRESHOLD, KEPT) and set_option(_MMAP_THRESHOLD, LARGE))


def give_back_memory() -> None:
    """Give back what is kept and not in use, where memory is to stay within bounds."""
    if keep_freed_memory():
        ctypes.CDLL(None).malloc_trim(0)
