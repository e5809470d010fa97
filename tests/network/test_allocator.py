"""Memory of freed tensors is kept, where it is glibc's and nobody said otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from napari_tally.network.allocator import LARGE, keep_freed_memory
kept = keep_freed_memory()
for size in (LARGE // 4, LARGE // 4, LARGE // 4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    one, other = np.ones(size, np.uint8), np.ones(size, np.uint8)
    del one, other
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(kept, faults)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc is needed")


def _run(**told: str) -> tuple[bool, int]:
    env = {name: value for name, value in os.environ.items() if "MALLOC" not in name.upper()}
    env.pop("GLIBC_TUNABLES", None)
    out = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env | told, capture_output=True, text=True, check=True
    )
    kept, faults = out.stdout.split()
    return kept == "True", int(faults)


@glibc
def test_freed_memory_is_not_fetched_again() -> None:
    kept, faults = _run()
    assert kept
    assert faults < 1000  # of 4,000 pages


@glibc
@pytest.mark.parametrize(
    "told", [{"MALLOC_TRIM_THRESHOLD_": "65536"}, {"GLIBC_TUNABLES": "glibc.malloc.check=0"}]
)
def test_what_a_user_told_the_allocator_is_kept(told) -> None:
    assert _run(**told)[0] is False
