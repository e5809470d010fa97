"""Several processes learn what one does, from the same batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import distributed_worker
import numpy as np
import pytest
import torch
from distributed_worker import OPTIONS, samples

from napari_tally import Volume, load_model, write
from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.network.distributed import Team
from napari_tally.training.loop.loop import train_steps

LEARN = Path(distributed_worker.__file__)
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def _launch(*arguments: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_alone_it_is_a_team_of_one(monkeypatch) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    team, cpu = Team.here(), torch.device("cpu")
    assert team == Team(0, 1) and team.leads
    assert team.broadcast("x", cpu) == "x"
    assert team.gathered(torch.ones(2)).tolist() == [1, 1]
    assert team.indices(6, 2) == list(range(6))


def test_each_crop_of_a_batch_is_taken_once() -> None:
    first, second = Team(0, 2).indices(8, 4), Team(1, 2).indices(8, 4)
    assert first == [0, 1, 4, 5] and second == [2, 3, 6, 7]


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="shared evenly by 3 processes"):
        drain(train_steps(samples(), [], OPTIONS, tmp_path, "cpu", team=Team(0, 3)))


def test_two_processes_learn_the_same_weights_as_one(tmp_path) -> None:
    _launch(LEARN, tmp_path / "one")
    _launch(*TORCHRUN, LEARN, tmp_path / "two")
    left = [(tmp_path / "two" / f"left-{rank}.json").read_text() for rank in (0, 1)]
    assert left == ["[]", "[]"]  # no thread that could abort a process as it ends
    one, two = (torch.load(tmp_path / name / "best.pt") for name in ("one", "two"))
    start = torch.load(tmp_path / "one" / "start.pt")
    assert max(float((one[k] - start[k]).abs().max()) for k in one) > 1e-3
    for name in one:
        assert torch.allclose(one[name], two[name], atol=1e-4, rtol=0), name


@pytest.mark.slow
def test_torchrun_makes_one_model(tmp_path) -> None:
    labels = np.zeros((32, 32), np.uint8)
    labels[4:12, 4:12], labels[16:26, 10:20] = 1, 2
    for i in range(4):
        write(Volume((labels * 60).astype(np.uint8), "YX"), tmp_path / f"images/i{i}.tif")
        write(Volume(labels, "YX", is_labels=True), tmp_path / f"labels/i{i}.tif")
    said = _launch(
        *TORCHRUN, "-m", "napari_tally", "train", "--images", "images", "--labels", "labels",
        "--output", "model", "--steps", "4", "--batch", "3", "--patch", "16,16", "--device", "cpu",
        "--kind", "instances", cwd=tmp_path,
    )  # fmt: skip
    assert said.count("-> model") == 1
    assert load_model(tmp_path / "model").info.head.name == "flow"
    assert not (tmp_path / "model.training").exists()
