"""Train the shipped model `hippocampus-mr`; see its model card for what came out.

    python training/hippocampus_mr.py --data DIR --output runs/hippocampus-mr

DIR holds `hippocampus-mr`: task 04 of the Medical Segmentation Decathlon (CC BY-SA 4.0), NIfTI
volumes of 1 mm whose axes go right, anterior and superior. A killed run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from napari_tally.core.progress import Step, drain
from napari_tally.heads.semantic import Semantic
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.windows import Tiling
from napari_tally.pipeline.augment import Augmentation
from napari_tally.pipeline.crops import Sample
from napari_tally.pipeline.train import TrainOptions, train_steps

SEED = 0
HELD_OUT, TUNING = 42, 20  # a fifth of the 208 volumes, and those that served for choices
ORIENTATION = "RAS"
NORMALIZE = Percentile(low=1, high=99)
HEAD = Semantic(classes=("anterior", "posterior"))
TILING = Tiling(tile=128, halo=24, mirror=0)
RECIPE = TrainOptions(
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
    steps=4_000,
    learning_rate=1e-3,
    warmup=100,
    ema=0.998,
    validate_every=500,
    tiling=TILING,
)


def split(names: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return (training, tuning, held out) of the sorted names, in an order of a fixed seed."""
    order = np.random.default_rng(SEED).permutation(len(names))
    shuffled = [sorted(names)[i] for i in order]
    held, tuning, rest = np.split(np.array(shuffled), [HELD_OUT, HELD_OUT + TUNING])
    return sorted(rest.tolist()), sorted(tuning.tolist()), sorted(held.tolist())


def all_names(folder: Path) -> list[str]:
    """Return the names of the volumes."""
    return sorted(path.name for path in (folder / "images").glob("*.nii.gz"))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs/hippocampus-mr"))
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    folder = args.data / "hippocampus-mr"
    training, tuning, _ = split(all_names(folder))
    with Progress() as bar:
        task = bar.add_task("train", total=RECIPE.steps)

        def show(step: Step) -> None:
            bar.update(task, completed=step.done, description=step.note)
            if "validation" in step.note:
                bar.console.print(f"{step.done}: {step.note}")

        steps = train_steps(
            load(folder, training), load(folder, tuning), RECIPE, args.output, args.device
        )
        drain(steps, show)


if __name__ == "__main__":
    main()
