"""Train the shipped model `hippocampus-mr`; see its model card for what came out.

    python training/hippocampus_mr.py --data DIR --output runs/hippocampus-mr

DIR holds `hippocampus-mr`: task 04 of the Medical Segmentation Decathlon (CC BY-SA 4.0), NIfTI
volumes of 1 mm whose axes go right, anterior and superior. There are three stages: one with mildly
changed crops, one with strongly changed ones, and a short one with the tuning volumes too. A killed
run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from napari_tally.core.progress import Step, drain
from napari_tally.heads.semantic import Semantic
from napari_tally.models.folder import save_model
from napari_tally.models.info import ModelInfo
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.windows import Tiling
from napari_tally.pipeline.augment import Augmentation
from napari_tally.pipeline.crops import Sample
from napari_tally.pipeline.train import TrainOptions, train_steps

# The 208 names in order, numpy.random.default_rng(0).permutation: the first 42 are held out, the
# next 20 are for tuning. Of the five folds for cross-validation the held-out ones are fold 0.
SPLIT = Path(__file__).with_name("hippocampus-mr-split.csv")
ORIENTATION = "RAS"
NORMALIZE = Percentile(low=1, high=99)
HEAD = Semantic(classes=("anterior", "posterior"))
TILING = Tiling(tile=128, halo=24, mirror=0)
FIRST = TrainOptions(
    architecture=DynUNet(
        spatial_dims=3,
        out_channels=HEAD.channels(3),
        kernel_size=(3, 3, 3, 3),
        strides=(1, 2, 2, 2),
        filters=(16, 32, 64, 128),
        norm_name="instance",
    ),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.85, 1.15),
        zoom_share=0.2,
        turn_share=0.6,
        angle=0.3,
        shift=0.08,
        mirrored=(2,),
        right_angles=False,
        gamma=(0.7, 1.5),
        blur=(0.25, 1.0),
        noise=0.05,
        background=0.2,
        share=0.2,
    ),
    patch=(40, 56, 40),
    batch=2,
    steps=3_000,
    learning_rate=1e-3,
    warmup=100,
    ema=0.998,
    validate_every=500,
    tiling=TILING,
)
SECOND = FIRST.model_copy(
    update={
        "augmentation": FIRST.augmentation.model_copy(
            update={
                "zoom": (0.8, 1.25),
                "turn_share": 0.5,
                "angle": 0.4,
                "warp": 0.7,
                "gamma": (0.6, 1.7),
                "noise": 0.07,
                "share": 0.3,
            }
        ),
        "steps": 2_400,
        "learning_rate": 8e-4,
        "weight_decay": 0.05,
        "validate_every": 200,
        "seed": 2,
    }
)
THIRD = SECOND.model_copy(update={"steps": 1_200, "learning_rate": 5e-4, "seed": 3})
FOLD = SECOND.model_copy(update={"steps": 2_600, "learning_rate": 1e-3, "seed": 1})
INFO = ModelInfo(
    name="hippocampus-mr",
    version="1.0.0",
    description="Anterior and posterior hippocampus in T1-weighted MR cropped around it",
    licence="CC-BY-SA-4.0",
    head=HEAD,
    normalizer=NORMALIZE,
    channels=("T1-weighted MR",),
    singular="part",
    plural="parts",
    min_size=30,
    spacing=(1, 1, 1),
    spacing_unit="mm",
    extent=(46, 58, 43),
    orientation=ORIENTATION,
    colors=("#ffb000", "#648fff"),
    tiling=TILING,
    metrics={"Dice anterior": 0.887, "Dice posterior": 0.871},
    data="Medical Segmentation Decathlon, task 04 (hippocampus): CC BY-SA 4.0",
)


def names(part: str) -> list[str]:
    """Return the names of the volumes of a part: training, tuning (for choices) or held-out."""
    return [row["name"] for row in _rows() if row["part"] == part]


def names_beside(fold: int) -> list[str]:
    """Return the names of the volumes that are not in a fold."""
    return [row["name"] for row in _rows() if row["fold"] != str(fold)]


def _rows() -> list[dict[str, str]]:
    with SPLIT.open(newline="") as file:
        return list(csv.DictReader(file))


def load(folder: Path, names: list[str]) -> list[Sample]:
    """Read and normalize volumes with their classes, axes Z, Y, X."""
    found = []
    for name in names:
        image, classes = (_array(folder / part / name) for part in ("images", "labels"))
        found.append(Sample(name, NORMALIZE(image[None]), classes.astype(np.uint8)))
    return found


def _array(path: Path) -> NDArray[np.generic]:
    """Return the array of a file, shape (Z, Y, X); its axes have to lie as the model's."""
    file = nibabel.load(path)
    codes = "".join(nibabel.aff2axcodes(file.affine))
    if codes != ORIENTATION:
        raise ValueError(f"{ORIENTATION} is needed, and {path} is {codes}")
    return np.ascontiguousarray(np.asarray(file.dataobj).T)


def ship(run: Path, folder: Path) -> None:
    """Write the best weights of a run, with the card, as a model."""
    weights = torch.load(run / "third" / "best.pt", map_location="cpu", weights_only=True)
    save_model(folder, INFO, FIRST.architecture, weights)
    card = Path(__file__).with_name("hippocampus-mr.md").read_text("utf-8")
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "README.md").write_text(card, "utf-8")


def learn_fold(fold: int, data: Path, output: Path, device: str) -> None:
    """Train in one piece on all volumes that are not in a fold, and write a model of it."""
    seen = load(data, names_beside(fold))
    work = output / f"fold-{fold}"
    drain(train_steps(seen, [], FOLD, work, device))
    weights = torch.load(work / "best.pt", map_location="cpu", weights_only=True)
    info = INFO.model_copy(update={"metrics": {}})
    save_model(work / "model", info, FOLD.architecture, weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs/hippocampus-mr"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--ship", type=Path, help="write the best weights as a model there")
    parser.add_argument("--fold", type=int, choices=range(5), help="cross-validate instead")
    args = parser.parse_args()
    folder = args.data / "hippocampus-mr"
    if args.fold is not None:
        learn_fold(args.fold, folder, args.output, args.device)
        return
    if args.ship is not None:
        ship(args.output, args.ship)
        return
    training, tuning = (load(folder, names(part)) for part in ("training", "tuning"))
    # With nothing to validate on a stage ends with its last weights.
    stages = {
        "first": (FIRST, training, tuning),
        "second": (SECOND, training, []),
        "third": (THIRD, training + tuning, []),
    }
    weights = None
    with Progress() as bar:
        for name, (options, seen, scored) in stages.items():
            task = bar.add_task(name, total=options.steps)

            def show(step: Step, task: TaskID = task) -> None:
                if step.stage == "train":
                    bar.update(task, completed=step.done, description=step.note or None)

            part = args.output / name
            drain(train_steps(seen, scored, options, part, args.device, weights), show)
            weights = torch.load(part / "best.pt", map_location="cpu", weights_only=True)


if __name__ == "__main__":
    main()
