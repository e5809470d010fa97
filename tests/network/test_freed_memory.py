"""Memory of freed tensors is kept by the command that trains, unless glibc is set otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from napari_tally.network.freed_memory import LARGE, keep_freed_memory
kept = keep_freed_memory()
for size in (LARGE // 4, LARGE // 4, LARGE // 4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    one, other = np.ones(size, np.uint8), np.ones(size, np.uint8)
    del one, other
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(kept, faults)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc is needed")


def _printed(script: str, settings: dict[str, str]) -> list[str]:
    """Return what a process prints that has only these settings of memory."""
    env = {name: value for name, value in os.environ.items() if "MALLOC" not in name.upper()}
    env.pop("GLIBC_TUNABLES", None)
    return subprocess.check_output(
        [sys.executable, "-c", script], env=env | settings, text=True
    ).split()


def _run(**settings: str) -> tuple[bool, int]:
    kept, faults = _printed(SCRIPT, settings)
    return kept == "True", int(faults)


@glibc
def test_freed_memory_is_not_fetched_again() -> None:
    kept, faults = _run()
    assert kept
    assert faults < 1000  # of 4,000 pages


@glibc
@pytest.mark.parametrize(
    "settings", [{"MALLOC_TRIM_THRESHOLD_": "65536"}, {"GLIBC_TUNABLES": "glibc.malloc.check=0"}]
)
def test_settings_of_a_user_are_kept(settings) -> None:
    assert _run(**settings)[0] is False


GIVEN_BACK = """
import numpy as np, psutil
from napari_tally.network.freed_memory import LARGE, give_back_memory, keep_freed_memory
assert keep_freed_memory()
many = [np.ones(LARGE // 4, np.uint8) for _ in range(16)]
size = sum(one.nbytes for one in many)
del many
before = psutil.Process().memory_info().rss
give_back_memory()
print((before - psutil.Process().memory_info().rss) / size)
"""


@glibc
def test_what_is_kept_can_be_given_back() -> None:
    assert float(_printed(GIVEN_BACK, {})[0]) > 0.7
