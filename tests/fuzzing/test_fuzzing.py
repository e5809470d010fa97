"""A short run of `make fuzz`, and its judge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing.run import BYTES, SECONDS, TRACEBACK, End


@pytest.mark.parametrize(
    ("end", "fault"),
    [
        (End(0, 1, 1, "done"), ""),
        (End(2, 1, 1, "a.tif is damaged."), ""),
        (End(3, 1, 1, ""), "exit code 3"),
        (End(-11, 1, 1, ""), "died of SIGSEGV"),
        (End(1, 1, 1, f"{TRACEBACK}\nValueError: x"), "traceback: ValueError: x"),
        (End(-9, SECONDS + 1, 1, ""), "ran for 61 s"),
        (End(0, 1, BYTES + 2**29, ""), "took 2.5 GB"),
    ],
)
def test_a_fault_is_a_crash_a_traceback_a_hang_or_much_memory(end: End, fault: str) -> None:
    assert end.fault == fault


@pytest.mark.slow
def test_damaged_files_end_in_a_sentence() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "fuzzing.run", "--each", "4"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "104 damaged inputs of 26 kinds" in found.stdout
