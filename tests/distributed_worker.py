"""Train a few steps in float32 and keep the weights: `python distributed_worker.py FOLDER`."""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from napari_tally.core.progress import drain
from napari_tally.heads.semantic import Semantic
from napari_tally.network.architectures import DynUNet
from napari_tally.network.distributed import Team
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.loop import learner
from napari_tally.training.loop.loop import Hyperparameters, Sample, train_steps

OPTIONS = Hyperparameters(
    architecture=DynUNet(
        kernel_size=(3, 3, 3),
        strides=(1, 2, 2),
        filters=(4, 8, 16),
        norm_name="instance",
        out_channels=2,
    ),
    head=Semantic(),
    augmentation=Augmentation(share=0, zoom_share=0, turn_share=0),
    patch=(32, 32),
    batch=4,
    steps=6,
    warmup=0,
    validate_every=3,
    workers=0,
)


def samples() -> list[Sample]:
    """Return images of a square each, with some noise."""
    random = np.random.default_rng(0)
    found = []
    for i in range(6):
        labels = np.zeros((48, 48), np.int32)
        labels[5 + i : 20 + i, 8:30] = 1
        image = labels[None] + random.normal(0, 0.2, (1, 48, 48))
        found.append(Sample(str(i), image.astype(np.float32), labels))
    return found


def note_what_is_left(path: Path) -> None:
    """Write down which threads of the group are there still."""
    names = [task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")]
    path.write_text(json.dumps([name for name in names if "gloo" in name]))


def main(folder: Path) -> None:
    rank = os.environ.get("RANK", "0")
    atexit.register(note_what_is_left, folder / f"left-{rank}.json")  # after those registered later
    learner.choose_dtype = lambda _: torch.float32
    team = Team.here()
    torch.manual_seed(OPTIONS.seed)
    if team.leads:
        folder.mkdir()
        torch.save(OPTIONS.architecture.build().state_dict(), folder / "start.pt")
    team.broadcast(None, torch.device("cpu"))
    drain(train_steps(samples()[1:], samples()[:1], OPTIONS, folder, "cpu", team=team))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
