"""A short run of `make killed`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
def test_a_killed_command_is_completed_by_the_same_command() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "killing.run", "--most", "2"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "24 commands killed and run again" in found.stdout
