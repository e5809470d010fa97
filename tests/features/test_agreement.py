"""Columns beside those of other programs, by the script that anyone can run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks/agreement.py"


def test_each_difference_from_other_programs_has_a_reason(shared_data: Path) -> None:
    run = subprocess.run(
        [sys.executable, SCRIPT, "--data", shared_data], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert "0 differ without a known reason" in run.stdout
