"""Crops come from other processes as from this one, and nothing is left of these processes."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import torch

from napari_tally.heads import Semantic
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data import data_loader
from napari_tally.training.data.data_loader import batches
from napari_tally.training.data.patch_sampler import Patches
from napari_tally.training.data.sample import Sample

SIZE = 100
SCRIPT = """
import os, signal
import numpy as np, psutil
from napari_tally.heads import Semantic
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Patches
from napari_tally.training.data.data_loader import batches
from napari_tally.training.data.sample import Sample

sample = Sample("a", np.zeros((1, 64, 64), np.float32), np.zeros((64, 64), np.uint8))
crops = Patches([sample], Semantic(), Augmentation(), (32, 32), 40, seed=0)
for image, target in batches(crops, 4, range(40), 1, "cpu"):
    print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _crops() -> Patches:
    rng = np.random.default_rng(0)
    image = rng.random((1, 96, 96), np.float32)
    sample = Sample("noise", image, (image[0] > 0.5).astype(np.uint8))
    return Patches([sample], Semantic(), Augmentation(), (64, 64), 10 * SIZE, seed=0)


def _from_processes(crops: Patches, workers: int = 1):
    return batches(crops, SIZE, range(len(crops)), workers, "cpu")


def _makers() -> list[psutil.Process]:
    """Return the processes that make crops; another one of Python's looks after their memory."""
    return [child for child in psutil.Process().children() if _makes_crops(child)]


def _makes_crops(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return False


def test_crops_of_another_process_are_the_same_made_in_turns_until_it_is_closed(
    monkeypatch,
) -> None:
    monkeypatch.setattr(data_loader, "available_cores", lambda: torch.get_num_threads())
    crops = _crops()
    own = batches(crops, SIZE, range(len(crops)), 0, "cpu")
    others = _from_processes(crops)
    for (image, target), (image_there, target_there), _ in zip(own, others, range(2), strict=False):
        assert torch.equal(image, image_there) and torch.equal(target, target_there)
    (maker,) = _makers()
    time.sleep(0.1)  # a crop may be at hand
    before = sum(maker.cpu_times()[:2])
    time.sleep(0.6)  # the next batches were asked for
    assert sum(maker.cpu_times()[:2]) - before < 0.2
    others.close()
    assert not _makers()


def test_what_a_process_that_was_ended_left_is_made_here(caplog) -> None:
    crops = _crops()
    own = batches(crops, SIZE, range(len(crops)), 0, "cpu")
    others = _from_processes(crops, 2)
    found = [next(others)]
    _makers()[0].kill()
    while _makers():
        found.append(next(others))
    found += others
    assert "was killed" in caplog.text
    assert len(found) == len(crops) // SIZE
    for (image, target), (image_there, target_there) in zip(own, found, strict=True):
        assert torch.equal(image, image_there) and torch.equal(target, target_there)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_script_without_a_main_guard_trains_and_nothing_runs_on_if_it_is_killed(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    done = subprocess.run(
        [sys.executable, script], timeout=120, text=True, capture_output=True, check=False
    )
    (line,) = done.stdout.splitlines()
    left = [int(pid) for pid in line.split()]
    assert left
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(pid) for pid in left):
        assert time.monotonic() < deadline, "a process runs on"
        time.sleep(0.2)
