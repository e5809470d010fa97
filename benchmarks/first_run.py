"""The first run ever: `tally segment` with an empty cache of compiled code, and a prepared one.

python benchmarks/first_run.py IMAGE

Needs a quiet machine: the times of kernels are those of one process, one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_tally.core.compile_worker import loop_of
from napari_tally.core.preparation import RUN, listed


def seconds_of(*command: str, cache: str) -> float:
    """Return how long a command takes with a folder for compiled code."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "napari_tally", *command],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def runs(image: str) -> None:
    """Print the times of a first run and of a second one, without and with preparing."""
    with TemporaryDirectory() as folder:
        cold, prepared = str(Path(folder, "cold")), str(Path(folder, "prepared"))
        for name in ("first run", "second run"):
            took = seconds_of("segment", image, "-o", str(Path(folder, name)), cache=cold)
            print(f"{took:6.1f} s  {name}")
        print(f"{seconds_of('doctor', '--prepare', cache=prepared):6.1f} s  tally doctor --prepare")
        took = seconds_of("segment", image, "-o", str(Path(folder, "after")), cache=prepared)
        print(f"{took:6.1f} s  first run after it")


def kernels() -> None:
    """Print how long each loop that a run needs takes to compile."""
    times: dict[str, float] = {}
    for kernel in listed(RUN):
        start = time.perf_counter()
        for signature in kernel.signatures:
            loop_of(kernel.name).prepare(signature)
        times[kernel.name] = time.perf_counter() - start
    for name, took in sorted(times.items(), key=lambda item: -item[1]):
        print(f"{took:6.2f} s  {name}")
    print(f"{sum(times.values()):6.2f} s  {len(times)} functions")


if __name__ == "__main__":
    runs(sys.argv[1])
    with TemporaryDirectory() as empty:
        import numba

        numba.config.CACHE_DIR = empty
        kernels()
