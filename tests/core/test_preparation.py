"""Loops are compiled ahead, by processes, and a run then finds their code."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from napari_tally.core import preparation as module
from napari_tally.core.compile_worker import loop_of
from napari_tally.core.preparation import RUN, Kernel, Preparation, listed, listening

SOURCE = Path(__file__).parents[2] / "src"
SMALL = [
    Kernel("core.label_ids:_count", ("(uint16[::1], int64[::1])",)),
    Kernel("heads.decoding.peaks:number_hills", ("(int32[::1],)",)),
]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty folder for the compiled code of other processes."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _prepared(kernels: list[Kernel], processes: int = 2) -> Preparation:
    preparation = Preparation(kernels)
    preparation.start(processes)
    preparation.wait()
    return preparation


def test_each_listed_loop_exists_and_its_signatures_are_types() -> None:
    from numba.core.sigutils import normalize_signature

    for kernel in listed():
        assert loop_of(kernel.name).name == kernel.name
        for signature in kernel.signatures:
            assert normalize_signature(signature)[0]
    assert {k.name for k in listed(RUN)} < {k.name for k in listed()}


def test_processes_compile_what_a_second_preparation_finds(cache) -> None:
    heard = []
    with listening(lambda done, total: heard.append((done, total))):
        first = _prepared(SMALL)
    assert set(first.states.values()) == {"compiled"} and sorted(heard) == [(1, 2), (2, 2)]
    assert all(Path(folder).is_relative_to(cache) for folder in first.folders)
    count = len(list(cache.rglob("*.nbc")))
    again = _prepared(SMALL)
    assert set(again.states.values()) == {"cached"}
    assert len(list(cache.rglob("*.nbc"))) == count == 2


def test_a_run_compiles_nothing_that_was_prepared(cache) -> None:
    _prepared(SMALL)
    script = (
        "import numpy as np\n"
        "from napari_tally.core.label_ids import _count\n"
        "_count(np.ones(3, np.uint16), np.zeros(2, np.int64))\n"
        "print(sum(_count.loop._made.stats.cache_hits.values()))"
    )
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


def test_two_preparations_at_once_do_not_break_each_other(cache) -> None:
    found: list[Preparation] = []
    both = [threading.Thread(target=lambda: found.append(_prepared(SMALL))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert all(s in ("compiled", "cached") for p in found for s in p.states.values())
    assert set(_prepared(SMALL).states.values()) == {"cached"}


def test_what_cannot_be_compiled_is_reported_and_the_rest_goes_on(cache) -> None:
    wrong = [Kernel("core.label_ids:_absent", ("(int32[::1],)",)), *SMALL]
    done = _prepared(wrong, 1)
    assert "_absent" in done.states["core.label_ids:_absent"]
    assert done.done == 3 and len(done.folders) == 2


def test_without_a_python_to_start_this_process_compiles_itself(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    preparation = _prepared(SMALL)
    assert preparation.done == 0
    for kernel in SMALL:
        preparation.take(kernel.name)
        preparation.finish(kernel.name)
    assert preparation.done == 2


def test_a_process_that_ends_early_keeps_nobody_waiting(monkeypatch) -> None:
    monkeypatch.setattr(module, "_WORKER", "import sys; sys.stdin.readline()")
    preparation = _prepared(SMALL, 1)
    for kernel in SMALL:
        preparation.take(kernel.name)
    assert preparation.states == {SMALL[1].name: "the process that compiled it ended"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_does_not_wait_for_threads_that_it_lacks() -> None:
    script = (
        "import os\n"
        "from napari_tally.core.preparation import ahead\n"
        "ahead.start()\n"
        "child = os.fork()\n"
        "if not child: os._exit(0 if ahead.current is None and not ahead.enabled else 1)\n"
        "print(os.waitpid(child, 0)[1], ahead.current is not None, flush=True)"
    )
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True"]
