"""Dice and surface distance of `hippocampus-mr` from files, and its time beside MONAI's windows.

    python benchmarks/hippocampus.py --data DIR/hippocampus-mr --part held-out

DIR/hippocampus-mr holds `images/` and `labels/`, task 04 of the Medical Segmentation Decathlon.
Figures are means over volumes; the surface distance is the symmetric average one. `--phantoms`
scores ten simulated volumes instead, with slices of 1, 3 and 7 mm.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from monai.metrics import SurfaceDistanceMetric
from side_by_side import compare, machine, report

from napari_tally import Volume, load_model, read, segment
from napari_tally.core.progress import drain
from napari_tally.heads.validation_score import dice_per_class
from napari_tally.network.device import autocast, choose_device, choose_dtype
from napari_tally.network.tiled_inference import Inference
from napari_tally.simulate.phantom import BrainPhantom

if TYPE_CHECKING:
    from napari_tally.models.bundle import Model

SPLIT = Path(__file__).parents[1] / "training" / "hippocampus-mr-split.csv"
WINDOW = (40, 56, 40)  # as in training
TIMED = 10  # volumes
PHANTOMS = 10


def names(column: str, value: str) -> list[str]:
    """Return the names of the volumes of one part, or one fold, of the split."""
    with SPLIT.open(newline="") as file:
        return [row["name"] for row in csv.DictReader(file) if row[column] == value]


def surface_distance_mm(found: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list:
    """Return the average symmetric surface distance of each class."""
    metric = SurfaceDistanceMetric(symmetric=True, reduction="none")
    masks = [torch.from_numpy(np.stack([a == i for i in range(3)])[None]) for a in (found, truth)]
    return metric(*masks, spacing=list(spacing))[0].tolist()


def score(data: Path, files: list[str], model: Model) -> None:
    """Segment each file as users do, and print Dice and distance of each class."""
    dice, distances, parted = [], [], []
    for name in files:
        result = segment(data / "images" / name, model)
        truth = read(data / "labels" / name)
        found, true = np.asarray(result.classes.array), np.asarray(truth.array)
        dice.append(dice_per_class([found], [true], 2))
        distances.append(surface_distance_mm(found, true, truth.spacing))
        whole = dice_per_class([found > 0], [true > 0], 1)
        apart = dice_per_class([parted_as(true, found)], [true], 2)
        parted.append([*whole, *apart])
    print("class       Dice: mean  median  lowest   surface distance: mean (mm)")
    for i, name in enumerate(model.info.head.classes):
        d, far = np.array(dice)[:, i], np.array(distances)[:, i]
        print(
            f"{name:10}  {d.mean():10.4f}  {np.median(d):.4f}  {d.min():.4f}   {far.mean():23.3f}"
        )
    classes = model.info.head.classes
    titles = ("both as one", *(f"{name}, parted as the raters did" for name in classes))
    for title, d in zip(titles, np.array(parted).T, strict=True):
        print(f"{title}: {d.mean():.4f}")


def parted_as(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return what was found, anterior from the slice (Y) on from which the truth is anterior."""
    first = np.argwhere(truth == 1)[:, 1].min()
    front = np.arange(found.shape[1])[None, :, None] >= first
    return np.where(found > 0, np.where(front, 1, 2), 0)


def ways(data: Path, files: list[str], model: Model) -> dict[str, Callable[[], object]]:
    """Return what is timed: each way goes over the same volumes with the same network."""
    volumes = [read(data / "images" / name) for name in files]
    images = [model.info.preprocessing.normalizer(np.asarray(v.array)[None]) for v in volumes]
    device = choose_device("cpu")
    dtype, head = choose_dtype(device), model.info.head
    ours = Inference(
        model.network,
        head.activate,
        model.architecture.stride,
        device,
        dtype,
        model.info.preprocessing.tiling,
    )

    def theirs(overlap: float, mode: str, precision: torch.dtype) -> None:
        inferer = SlidingWindowInferer(WINDOW, overlap=overlap, mode=mode)
        for image in images:
            with torch.inference_mode(), autocast(device, precision):
                head.activate(inferer(torch.from_numpy(image)[None], model.network).float())

    return {
        "our windows": lambda: [drain(ours.steps(image)) for image in images],
        "SlidingWindowInferer": lambda: theirs(0.25, "constant", torch.float32),
        "the same, Gaussian, overlap 0.5": lambda: theirs(0.5, "gaussian", torch.float32),
        "SlidingWindowInferer, our precision": lambda: theirs(0.25, "constant", dtype),
        "from volume to classes and table": lambda: [segment(v, model) for v in volumes],
    }


def score_phantoms(model: Model) -> None:
    """Print Dice of each class on simulated volumes, by the thickness of their slices."""
    print("slices   " + "  ".join(model.info.head.classes))
    for slices, thickness in ((36, 1.0), (12, 3.0), (5, 7.0)):
        dice = []
        for seed in range(PHANTOMS):
            shape, spacing = (slices, 52, 36), (thickness, 1.0, 1.0)
            phantom = BrainPhantom(seed=seed, shape=shape, spacing_mm=spacing)
            image, truth = phantom.draw()
            result = segment(Volume(image, "ZYX", spacing, "mm", phantom.affine), model)
            dice.append(dice_per_class([np.asarray(result.classes.array)], [truth], 2))
        print(f"{thickness:.0f} mm     " + "  ".join(f"{d:8.4f}" for d in np.mean(dice, 0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/hippocampus-mr"))
    parser.add_argument("--model", default="hippocampus-mr", help="or a folder")
    parser.add_argument("--part", default="held-out", choices=("held-out", "tuning", "training"))
    parser.add_argument("--fold", help="score the volumes of this fold instead; nothing is timed")
    parser.add_argument("--phantoms", action="store_true", help="score simulated volumes instead")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of torch")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    if args.threads:
        torch.set_num_threads(args.threads)
    column, value = ("part", args.part) if args.fold is None else ("fold", args.fold)
    files = names(column, value)
    print(machine("torch", "monai"))
    model = load_model(args.model)
    if args.phantoms:
        score_phantoms(model)
        return
    print(f"{args.model} on {len(files)} volumes ({column} {value})")
    score(args.data, files, model)
    if args.fold is not None:
        return
    timed = files[:TIMED]
    print(f"seconds for {len(timed)} volumes, {torch.get_num_threads()} threads, median of runs")
    report(compare(ways(args.data, timed, model), args.repeats))


if __name__ == "__main__":
    main()
