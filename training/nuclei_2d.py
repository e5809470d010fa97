"""Train the shipped model `nuclei-2d`; see its model card for what came out.

    python training/nuclei_2d.py --data DIR --output runs/nuclei-2d

DIR holds `nuclei-2d` and `nuclei-2d-extra` (CC0; subsets of BBBC038). There are two stages: one
with strongly changed crops, then a shorter one with mostly sharp ones. A killed run goes on where
it stopped.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import tifffile
import torch
from rich.progress import Progress, TaskID

from napari_tally.core.progress import Step, drain
from napari_tally.heads.center import Center
from napari_tally.models.bundle import save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters, train_steps

NORMALIZE = Percentile()
HEAD = Center()
FIRST = Hyperparameters(
    architecture=DynUNet(out_channels=HEAD.channels(2)),
    head=HEAD,
    augmentation=Augmentation(zoom_share=0.3, turn_share=0.7, share=0.2, blur=(0.3, 1.5)),
    steps=16_000,
    validate_every=16_000,
)
SECOND = FIRST.model_copy(
    update={
        "augmentation": FIRST.augmentation.model_copy(
            update={"zoom_share": 0.25, "turn_share": 0.15}
        ),
        "steps": 3_200,
        "validate_every": 3_200,
        "learning_rate": 5e-4,
        "seed": 1,
    }
)
STAGES = {"first": FIRST, "second": SECOND}
HELD_OUT = 40
SMALL_PX = 13  # median diameter below which an image is drawn twice as often: small ones get merged
INFO = ModelInfo(
    name="nuclei-2d",
    version="1.1.0",
    description="Nuclei in 2D fluorescence images: bright on dark, one channel",
    licence="BSD-3-Clause",
    # Chosen on the 40 held-out images, dimmed ones, and other microscopes; see the card.
    head=HEAD.model_copy(update={"tolerance": 0.6, "core": 0.1, "mean_probability": 0.92}),
    group="Nuclei",
    images=("fluorescence",),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=6, typical=24, high=50),
        channels=("nuclei",),
    ),
    singular="nucleus",
    plural="nuclei",
    min_size=15,
    metrics={"AP50": 0.864, "mean AP 0.5:0.9": 0.707},
    data="BBBC038 (Data Science Bowl 2018, stage 1), fluorescence images: CC0",
)


def load(folder: Path, names: list[str]) -> list[Sample]:
    """Read and normalize images with their labels."""
    found = []
    for name in names:
        image = tifffile.imread(folder / "images" / name)
        labels = tifffile.imread(folder / "labels" / name)
        weight = 2.0 if median_diameter(labels) < SMALL_PX else 1.0
        found.append(Sample(name, NORMALIZE(image[None]), labels, weight))
    return found


def median_diameter(labels: np.ndarray) -> float:
    """Return the median equivalent diameter of the objects in px, 0 without objects."""
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    return float(np.median(2 * np.sqrt(areas / np.pi))) if len(areas) else 0.0


def split_names(data: Path) -> tuple[list[str], list[str]]:
    """Return the files of `split_train.txt` less a random part of it, and that part."""
    names = (data / "nuclei-2d" / "split_train.txt").read_text().split()
    names = sorted(n if n.endswith(".tif") else f"{n}.tif" for n in names)
    order = np.random.default_rng(0).permutation(len(names))
    held = {names[i] for i in order[:HELD_OUT]}
    return [n for n in names if n not in held], sorted(held)


def split(data: Path) -> tuple[list[Sample], list[Sample]]:
    """Return (training, tuning): those of `split_names`, and the extra images for training."""
    training, held = split_names(data)
    extra = sorted(p.name for p in (data / "nuclei-2d-extra" / "images").glob("*.tif"))
    samples = load(data / "nuclei-2d", training) + load(data / "nuclei-2d-extra", extra)
    return samples, load(data / "nuclei-2d", held)


def blank_fields(count: int) -> list[Sample]:
    """Return fields without objects, so that noise and haze are not taken for nuclei."""
    rng, found = np.random.default_rng(1), []
    for i in range(count):
        y, x = np.mgrid[:256, :256] / 256
        haze = rng.uniform(0, 3) * np.exp(-((y - rng.random()) ** 2 + (x - rng.random()) ** 2) * 3)
        image = rng.poisson(rng.uniform(3, 100) * (1 + haze)).astype(np.float32)
        found.append(Sample(f"blank-{i}", NORMALIZE(image[None]), np.zeros((256, 256), np.uint16)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs/nuclei-2d"))
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--ship", type=Path, help="write the best weights as a model to this folder"
    )
    args = parser.parse_args()
    if args.ship is not None:
        weights = torch.load(
            args.output / "second" / "best.pt", map_location="cpu", weights_only=True
        )
        save_model(args.ship, INFO, FIRST.architecture, weights)
        card = Path(__file__).with_name("nuclei-2d.md").read_text("utf-8")
        (args.ship / "docs").mkdir(exist_ok=True)
        (args.ship / "docs" / "README.md").write_text(card, "utf-8")
        return
    training, _ = split(args.data)
    samples, weights = training + blank_fields(8), None
    with Progress() as bar:
        for name, options in STAGES.items():
            task = bar.add_task(name, total=options.steps)

            def show(step: Step, task: TaskID = task) -> None:
                if step.stage == "train":
                    bar.update(task, completed=step.done, description=step.note or None)

            folder = args.output / name
            drain(train_steps(samples, [], options, folder, args.device, weights), show)
            weights = torch.load(folder / "best.pt", map_location="cpu", weights_only=True)


if __name__ == "__main__":
    main()
