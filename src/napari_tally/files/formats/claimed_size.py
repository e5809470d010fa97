"""Refuse what a header claims before anything is read: more than the file or the memory holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import FileError

# Bytes that one byte of a file can stand for, by codec. Others have no bound (bzip2, zstd,
# JPEG 2000, sparse tiles): None.
DEFLATE = 1032
LZW = 2731
PACKBITS = 64

_MAX_AXES = 32
_MAX_LENGTH = 2**40  # of one axis: far above any image, far below an overflow


def check_claimed_size(
    path: Path,
    shape: Sequence[int],
    dtype: Any,
    *,
    compressed: bool,
    loaded: bool = True,
    ratio: float | None = DEFLATE,
    held: int | None = None,
) -> int:
    """Return the bytes of the pixels that a header claims, if the file can hold them.

    Parameters
    ----------
    path : Path
        Of the file, for its size and for messages.
    shape : sequence of int
        Lengths of the axes by the header.
    dtype : dtype-like
        Of one value as it is stored.
    compressed : bool
        Whether the pixels are compressed: then a byte may stand for `ratio` bytes, else for one.
    loaded : bool
        Whether all pixels are decoded at once: then they must fit in the free memory, too.
    ratio : float, optional
        Most bytes that one byte of the file stands for; None if the codec has no such bound.
    held : int, optional
        Bytes of the pixels in the file, or in several. Default: the size of `path`.

    Raises
    ------
    FileError
        If an axis is not positive or absurdly long, or the pixels do not fit.
    """
    lengths = [int(n) for n in shape]
    text = " x ".join(map(str, lengths[:_MAX_AXES])) or "no axes"
    if not 0 < len(lengths) <= _MAX_AXES or any(not 0 < n <= _MAX_LENGTH for n in lengths):
        raise FileError(f"The header of {path} claims an impossible image of {text} px")
    kind = np.dtype(dtype)
    claimed: int = math.prod(lengths) * kind.itemsize
    size = path.stat().st_size if held is None else held
    most = math.inf if compressed and ratio is None else size * ((ratio or 1) if compressed else 1)
    if claimed > most:
        raise FileError(
            f"The header of {path} claims {_bytes(claimed)} ({text} of {kind}), but the file "
            f"holds {_bytes(size)}{' compressed' * compressed}",
            hint="The file is damaged or truncated. Copy or download it again",
        )
    if loaded:
        check_free_memory(path, claimed)
    return claimed


def check_free_memory(path: Path, needed: int) -> None:
    """Refuse what does not fit in the free memory.

    Raises
    ------
    FileError
        In this case.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    if needed > free:
        raise FileError(
            f"{path} needs {_bytes(needed)} of memory, but {_bytes(free)} are free",
            hint="Crop the image, or close other programs",
        )


def _bytes(count: int) -> str:
    """Return a number of bytes with its unit: 999 bytes, 1.0 kB, 8.6 GB."""
    if count < 1000:
        return f"{count} bytes"
    power = min(int(math.log10(count)) // 3, 6)
    return f"{count / 1000**power:,.1f} {' kMGTPE'[power]}B"
