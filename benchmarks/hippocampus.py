"""Time of `hippocampus-mr` beside MONAI's windows; Dice and surface distance in cross-validation.

    python benchmarks/hippocampus.py --data DIR/hippocampus-mr
    python benchmarks/hippocampus.py --data DIR/hippocampus-mr --runs runs

DIR/hippocampus-mr holds `images/` and `labels/`, task 04 of the Medical Segmentation Decathlon.
`runs` holds models `fold-0` to `fold-4` (or some of them), each learnt without the volumes of its
fold (`training/hippocampus_mr.py --fold`), which it is scored on: the shipped model has learnt from
all volumes. Figures are means over volumes; the surface distance is the symmetric average one.
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

from napari_tally import load_model, read, segment
from napari_tally.core.progress import drain
from napari_tally.network.device import autocast, choose_device, choose_dtype
from napari_tally.network.tiling import Inference
from napari_tally.pipeline.score import dice_per_class

if TYPE_CHECKING:
    from napari_tally.models.folder import Model

SPLIT = Path(__file__).parents[1] / "training" / "hippocampus-mr-split.csv"
WINDOW = (40, 56, 40)  # of MONAI
TIMED = 10  # volumes
FOLDS = 5


def names(fold: int) -> list[str]:
    """Return the names of the volumes of a fold."""
    with SPLIT.open(newline="") as file:
        return [row["name"] for row in csv.DictReader(file) if row["fold"] == str(fold)]


def surface_distance_mm(found: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list:
    """Return the average symmetric surface distance of each class."""
    metric = SurfaceDistanceMetric(symmetric=True, reduction="none")
    masks = [torch.from_numpy(np.stack([a == i for i in range(3)])[None]) for a in (found, truth)]
    return metric(*masks, spacing=list(spacing))[0].tolist()


def score(data: Path, files: list[str], model: Model) -> np.ndarray:
    """Segment each file as users do: Dice and distance of each class, shape (files, 2, classes)."""
    found = []
    for name in files:
        result = segment(data / "images" / name, model)
        truth = read(data / "labels" / name)
        classes, true = np.asarray(result.classes.array), np.asarray(truth.array)
        dice = dice_per_class([classes], [true], 2)
        found.append([dice, surface_distance_mm(classes, true, truth.spacing)])
    return np.array(found)


def cross_validated(data: Path, runs: Path) -> None:
    """Print the scores of each model on its fold, and of all volumes together."""
    folds = [fold for fold in range(FOLDS) if (runs / f"fold-{fold}").is_dir()]
    scores = {}
    for fold in folds:
        model = load_model(runs / f"fold-{fold}")
        scores[f"fold {fold}"] = score(data, names(fold), model)
    scores["all"] = np.concatenate(list(scores.values()))
    print("                         Dice: mean  median  lowest   surface distance: mean (mm)")
    for title, figures in scores.items():
        for i, name in enumerate(model.info.head.classes):
            d, far = figures[:, 0, i], figures[:, 1, i].mean()
            values = f"{d.mean():10.4f}  {np.median(d):.4f}  {d.min():.4f}   {far:23.3f}"
            print(f"{title:6}  {len(d):3}  {name:10} {values}")


def ways(data: Path, files: list[str], model: Model) -> dict[str, Callable[[], object]]:
    """Return what is timed: each way goes over the same volumes with the same network."""
    volumes = [read(data / "images" / name) for name in files]
    images = [model.info.normalizer(np.asarray(v.array)[None]) for v in volumes]
    device = choose_device("cpu")
    dtype, head = choose_dtype(device), model.info.head
    ours = Inference(
        model.network, head.activate, model.architecture.stride, device, dtype, model.info.tiling
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/hippocampus-mr"))
    parser.add_argument("--model", default="hippocampus-mr", help="or a folder")
    parser.add_argument("--runs", type=Path, help="score the models fold-0, ... that lie there")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of torch")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    if args.threads:
        torch.set_num_threads(args.threads)
    print(machine("torch", "monai"))
    if args.runs is not None:
        cross_validated(args.data, args.runs)
        return
    timed, threads = names(0)[:TIMED], torch.get_num_threads()
    print(f"{args.model}: seconds for {TIMED} volumes, {threads} threads, median of runs")
    report(compare(ways(args.data, timed, load_model(args.model)), args.repeats))


if __name__ == "__main__":
    main()
