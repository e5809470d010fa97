"""Threads that wait without spinning: environment before torch, a sleeping team after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from napari_tally.core.threads import SHORT_WAITS

TEAM = """
import json, os, sys, threading
{before}
from napari_tally.core.threads import wait_without_spinning
wait_without_spinning()
wait_without_spinning()
names = [thread.name for thread in threading.enumerate()]
print(json.dumps([names.count("tally-openmp"), dict(os.environ)]))
"""


def run(before: str, **settings: str) -> tuple[int, dict[str, str]]:
    """Return the sleeping threads and the environment of a new process."""
    names = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    done = subprocess.run(
        [sys.executable, "-c", TEAM.format(before=before)],
        env=clean | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    count, environment = json.loads(done.stdout)
    return count, environment


def test_before_torch_is_imported_the_environment_is_set() -> None:
    teams, environment = run("")
    assert teams == 0
    assert SHORT_WAITS.items() <= environment.items()


@pytest.mark.skipif(sys.platform != "linux", reason="GNU OpenMP")
def test_after_torch_one_sleeping_team_is_started() -> None:
    teams, environment = run("import torch; torch.set_num_threads(2)")
    assert teams == 1
    assert not SHORT_WAITS.keys() & environment.keys()


@pytest.mark.skipif(sys.platform != "linux", reason="GNU OpenMP")
def test_one_thread_waits_for_nobody() -> None:
    assert run("import torch; torch.set_num_threads(1)")[0] == 0


@pytest.mark.parametrize("before", ["", "import torch; torch.set_num_threads(2)"])
@pytest.mark.parametrize(
    "setting", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}, {"KMP_BLOCKTIME": "200"}]
)
def test_settings_of_the_user_are_kept(before, setting) -> None:
    teams, environment = run(before, **setting)
    assert teams == 0
    assert setting.items() <= environment.items()
    assert len(SHORT_WAITS.keys() & environment.keys() - setting.keys()) == 0


LIMITED = """
from napari_tally.core import threads
threads.available_cores, threads.scheduled_cores = lambda: 1, lambda: 2
{torch}
"""


@pytest.mark.parametrize("torch", ["", "import torch; torch.set_num_threads(2)"])
def test_a_limit_of_control_groups_limits_threads(torch) -> None:
    check = "lambda: __import__('torch').get_num_threads() == 1 or os._exit(7)"
    run(LIMITED.format(torch=torch) + f"import atexit; atexit.register({check})")


def test_threads_that_the_user_has_set_are_kept_beyond_the_limit() -> None:
    _, environment = run(LIMITED.format(torch=""), OMP_NUM_THREADS="2")
    assert environment["OMP_NUM_THREADS"] == "2"
