"""Compiled loops: cached where that is possible, and safe to launch from two threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest

from napari_tally.core.jit import at_most, compiled, fallback_folder, threads

SOURCE = Path(__file__).parents[2] / "src"


@compiled(parallel=True)
def _sum_rows(array, out):
    for i in numba.prange(array.shape[0]):
        out[i] = array[i].sum()


def test_two_threads_may_launch_parallel_loops_at_once() -> None:
    array = np.ones((400, 400))
    failed = []

    def work() -> None:
        for _ in range(50):
            out = np.zeros(len(array))
            _sum_rows(array, out)
            if not (out == 400).all():
                failed.append(out)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs another user to become")
def test_without_a_folder_to_write_in_the_cache_falls_back(tmp_path) -> None:
    script = (
        "import os, tempfile, cmath, numpy as np, numba\nimport numba.np.npdatetime\n"
        f"tempfile.tempdir = {str(tmp_path / 'tmp')!r}\n"
        "from napari_tally.geometry.resample import resample_labels\n"
        "os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        "print(resample_labels(np.ones((4, 4), np.int32), (8, 8)).sum())\n"
    )
    (tmp_path / "tmp").mkdir(mode=0o777)
    (tmp_path / "tmp").chmod(0o777)
    copy = tmp_path / "src"
    subprocess.run(["cp", "-r", str(SOURCE), str(copy)], check=True)
    subprocess.run(["find", str(copy), "-name", "__pycache__", "-exec", "rm", "-r", "{}", "+"])
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o5:
            folder.chmod(folder.stat().st_mode | 0o5)
    out = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HOME": "/nonexistent", "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.stdout.strip() == "64", out.stderr
    assert any((tmp_path / "tmp").rglob("*.nbi"))


def test_parallel_loops_take_so_many_threads_at_most() -> None:
    before = threads()
    with at_most(1):
        assert threads() == 1
        out = np.zeros(4)
        _sum_rows(np.ones((4, 4)), out)
        assert (out == 4).all()
    with at_most(before + 1):
        assert threads() == before
    assert threads() == before


def test_loops_do_not_change_the_number_of_threads_of_torch() -> None:
    script = (
        "import torch, numpy as np\n"
        "torch.set_num_threads(1), torch.relu(torch.rand(1000, 1000))\n"
        "from napari_tally.features.measure import measure\n"
        "measure(np.ones((4, 4, 4), np.uint8))\n"
        "print(torch.get_num_threads())"
    )
    command = [sys.executable, "-c", script]
    env = {**os.environ, "NUMBA_NUM_THREADS": "2", "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


def test_loops_take_no_more_threads_than_omp_num_threads() -> None:
    script = (
        "import torch, numpy as np\n"
        "from napari_tally.features.measure import measure\n"
        "measure(np.ones((4, 4, 4), np.uint8))\n"
        "import numba\n"
        "print(torch.get_num_threads(), numba.get_num_threads())"
    )
    free = {k: v for k, v in os.environ.items() if k != "NUMBA_NUM_THREADS"}
    env = {**free, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


IMPORTED_EARLIER = "import numba\nnumba.njit(parallel=True)(lambda: None)()\n"


@pytest.mark.parametrize("before", ["", "import numba\n", IMPORTED_EARLIER])
def test_loops_take_no_more_threads_than_a_container_has_cores(tmp_path, before) -> None:
    (tmp_path / "own").write_text("0::/\n")
    (tmp_path / "cpu.max").write_text("100000 100000")
    script = (
        f"{before}import pathlib, threading\n"
        "from napari_tally.core import cores\n"
        f"cores._GROUPS = pathlib.Path({str(tmp_path)!r})\n"
        "cores._OWN_GROUPS = cores._GROUPS / 'own'\n"
        "from napari_tally.core.jit import threads\n"
        "other = threading.Thread(target=lambda: print(threads()))\n"
        "other.start(), other.join(), print(threads())"
    )
    unset = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")
    env = {k: v for k, v in os.environ.items() if k not in unset} | {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


@pytest.fixture
def shared_temporary(tmp_path, monkeypatch):
    """A folder of temporary files that everyone can write to, and the name in it for our code."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fallback_folder.cache_clear()
    yield tmp_path / f"napari-tally-{os.geteuid()}"
    fallback_folder.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="other systems have a folder for each user")
def test_compiled_code_goes_to_a_folder_of_ours_alone(shared_temporary) -> None:
    assert fallback_folder() == shared_temporary
    assert shared_temporary.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="other systems have a folder for each user")
@pytest.mark.parametrize("made", ["open to others", "a link", "a file", "of another user"])
def test_a_folder_that_others_prepared_is_not_used(shared_temporary, monkeypatch, made) -> None:
    if made == "a link":
        (shared_temporary.parent / "other").mkdir(mode=0o700)
        shared_temporary.symlink_to(shared_temporary.parent / "other")
    elif made == "a file":
        shared_temporary.touch(0o700)
    else:
        shared_temporary.mkdir(mode=0o700)
        if made == "open to others":
            shared_temporary.chmod(0o770)
        else:
            user = os.geteuid()
            names = iter([user])
            monkeypatch.setattr(os, "geteuid", lambda: next(names, user + 1))
    found = fallback_folder()
    assert found != shared_temporary
    assert found.stat().st_mode & 0o777 == 0o700


def test_loops_run_as_plain_python_where_numba_is_switched_off() -> None:
    script = (
        "import numpy as np\n"
        "from napari_tally.features.measure import measure\n"
        "print(measure(np.ones((4, 4), np.uint8))['area_px2'].tolist())"
    )
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[16.0]"]
