"""Train the shipped model `hippocampus-mr`; see its model card for what came out.

    python training/hippocampus_mr.py --data DIR --output runs/hippocampus-mr

DIR holds `hippocampus-mr`: task 04 of the Medical Segmentation Decathlon (CC BY-SA 4.0), NIfTI
volumes of 1 mm whose axes go right, anterior and superior. The network is trained in two runs, the
second from the weights of the first. `--ship DIR` writes it as a model. A killed run goes on where
it stopped.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from napari_tally.core.progress import Step, drain
from napari_tally.heads.semantic import Semantic
from napari_tally.models.bundle import save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.tile_layout import Tiling
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.checkpoint import best_weights
from napari_tally.training.loop.loop import Hyperparameters, train_steps

# The 208 names in order, numpy.random.default_rng(0).permutation: the first 42 are held out, the
# next 20 are for tuning. Of the five folds for cross-validation the held-out ones are fold 0.
SPLIT = Path(__file__).with_name("hippocampus-mr-split.csv")
ORIENTATION = "RAS"
NORMALIZE = Percentile(low=1, high=99)
HEAD = Semantic(classes=("anterior", "posterior"))
TILING = Tiling(tile=128, halo=24, mirror=0)
NETWORK = DynUNet(
    spatial_dims=3,
    out_channels=HEAD.channels(3),
    kernel_size=(3, 3, 3, 3),
    strides=(1, 2, 2, 2),
    filters=(16, 32, 64, 128),
    norm_name="instance",
    deep_supervision=True,
    deep_supr_num=2,
)
OPTIONS = Hyperparameters(
    architecture=NETWORK,
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.8, 1.25),
        zoom_share=0.2,
        turn_share=0.5,
        angle=0.4,
        shift=0.08,
        warp=0.7,
        mirrored=(2,),
        right_angles=False,
        gamma=(0.6, 1.7),
        blur=(0.25, 1.0),
        noise=0.07,
        background=0.2,
        share=0.3,
    ),
    patch=(40, 56, 40),
    batch=2,
    steps=6_000,
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup=100,
    ema=0.998,
    validate_every=200,
    tiling=TILING,
    seed=14,
)
SECOND = OPTIONS.model_copy(
    update={"steps": 5_400, "learning_rate": 7e-4, "ema": 0.999, "seed": 24}
)
RUNS = {"first": OPTIONS, "second": SECOND}
INFO = ModelInfo(
    name="hippocampus-mr",
    version="1.1.0",
    description="Anterior and posterior hippocampus in T1-weighted MR cropped around it",
    licence="CC-BY-SA-4.0",
    head=HEAD,
    group="Organs and vessels",
    images=("T1-weighted MR",),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        channels=("T1-weighted MR",),
        spacing=(1, 1, 1),
        spacing_unit="mm",
        extent=(46, 58, 43),
        orientation=ORIENTATION,
        tiling=TILING,
    ),
    singular="part",
    plural="parts",
    min_size=30,
    colors=("#ffb000", "#648fff"),
    metrics={"Dice anterior": 0.892, "Dice posterior": 0.875},
    data="Medical Segmentation Decathlon, task 04 (hippocampus): CC BY-SA 4.0",
)


def names(part: str) -> list[str]:
    """Return the names of the volumes of a part: training, tuning (for choices) or held-out."""
    return [row["name"] for row in _rows() if row["part"] == part]


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


def learn(seen: list[Sample], output: Path, device: str) -> None:
    """Train on volumes. With nothing to validate on a run ends with its last weights."""
    weights = None
    with Progress() as bar:
        for name, recipe in RUNS.items():
            task = bar.add_task(name, total=recipe.steps)

            def show(step: Step, task: TaskID = task) -> None:
                if step.stage == "train":
                    bar.update(task, completed=step.done, description=step.note or None)

            drain(train_steps(seen, [], recipe, output / name, device, weights), show)
            weights = best_weights(output / name)


def ship(run: Path, folder: Path) -> None:
    """Write the network of a run, with the card, as a model."""
    save_model(folder, INFO, NETWORK, best_weights(run / "second"))
    card = Path(__file__).with_name("hippocampus-mr.md").read_text("utf-8")
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "README.md").write_text(card, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs/hippocampus-mr"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--ship", type=Path, help="write the weights as a model to this folder")
    args = parser.parse_args()
    if args.ship is not None:
        ship(args.output, args.ship)
        return
    seen = load(args.data / "hippocampus-mr", names("training") + names("tuning"))
    learn(seen, args.output, args.device)


if __name__ == "__main__":
    main()
