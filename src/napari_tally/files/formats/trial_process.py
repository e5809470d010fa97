"""Decode a file in a process of its own first, where native code may crash on damaged ones."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from ...core.errors import FileError

# Images of more bytes are opened only, and their first block is decoded.
_DECODE = """
import sys
from bioio import BioImage
image = BioImage(sys.argv[1])
for scene in image.scenes:
    image.set_scene(scene)
    data = image.dask_data
    parts = data if data.nbytes <= 2**31 else data.blocks[(0,) * data.ndim]
    parts.compute(scheduler="synchronous")
"""
_WINDOWS_CRASH = 0xC0000000  # exit codes from here on


def check_decodes(path: Path) -> None:
    """Refuse a file at which the native reader of bioio crashes; Python's errors come later.

    Raises
    ------
    FileError
        If the process that decodes it dies.
    """
    facts = path.stat()
    if not getattr(sys, "frozen", False) and _crashes(path, facts.st_size, facts.st_mtime_ns):
        raise FileError(f"{path} is damaged: its reader crashes", hint="Copy or export it again")


@lru_cache(maxsize=256)
def _crashes(path: Path, _size: int, _time: int) -> bool:
    run = subprocess.run(
        [sys.executable, "-c", _DECODE, path], stdin=subprocess.DEVNULL, capture_output=True
    )
    return run.returncode < 0 or run.returncode >= _WINDOWS_CRASH
