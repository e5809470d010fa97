"""Heads compared: the same network, data, steps and seeds for each.

    python benchmarks/heads.py --data DIR --runs runs/heads [--tasks nuclei curved stacks]
    python benchmarks/heads.py --data DIR --runs runs/heads --report

Tasks: the nuclei of `nuclei-2d` (trained on `split_train.txt`, scored on `split_val.txt`),
simulated long and bent cells, simulated stacks of nuclei. The threshold of each head is chosen on
images that are neither trained on nor scored. The networks are small and trained briefly: what
counts is the difference between heads, beside that between two seeds. Finished runs are not made
again, and two processes with other `--seeds` may share the work; `--report` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch
from side_by_side import machine

from napari_tally.core.progress import drain
from napari_tally.heads import Boundary, Center, Distance, Flow
from napari_tally.metrics.match import match, mean_ap
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.tile_layout import Tiling
from napari_tally.network.tiled_inference import Inference
from napari_tally.objects.relabel import relabel, remove_small
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters, train_steps

if TYPE_CHECKING:
    from napari_tally.heads.base import Head

HEADS: dict[str, Head] = {h.name: h for h in (Center(), Boundary(), Distance(), Flow())}
NORMALIZE = Percentile()
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SHOWN = (0.5, 0.7, 0.9)
SPECK = {2: 10, 3: 30}
TUNING = 24  # images of the training part that choose the threshold
Parts = tuple[list[Sample], list[Sample], list[Sample]]  # training, tuning, scored


@dataclass(frozen=True)
class Task:
    """Images and a recipe."""

    parts: Callable[[Path], Parts]
    ndim: int
    patch: tuple[int, ...]
    batch: int
    steps: int

    def options(self, head: Head, seed: int) -> Hyperparameters:
        flat = self.ndim == 2
        return Hyperparameters(
            architecture=DynUNet(
                spatial_dims=self.ndim,
                out_channels=head.channels(self.ndim),
                kernel_size=(3,) * 4,
                strides=(1, 2, 2, 2),
                filters=(16, 32, 64, 128) if flat else (12, 24, 48, 96),
            ),
            head=head,
            augmentation=Augmentation(zoom=(0.75, 1.33), zoom_share=0.3, turn_share=0.2, share=0.2),
            patch=self.patch,
            batch=self.batch,
            steps=self.steps,
            learning_rate=2e-3,
            warmup=50,
            ema=0.99,
            validate_every=self.steps,
            checkpoint_every=self.steps,
            workers=0,
            tiling=Tiling(tile=1024 if flat else 128, halo=32 if flat else 16),
            seed=seed,
        )


def real_nuclei(data: Path) -> Parts:
    """Return the images of `nuclei-2d`."""

    def load(names: list[str]) -> list[Sample]:
        found = []
        for name in names:
            image, labels = (
                tifffile.imread(data / "nuclei-2d" / part / f"{name.removesuffix('.tif')}.tif")
                for part in ("images", "labels")
            )
            found.append(Sample(name, NORMALIZE(image[None]), labels))
        return found

    train, val = (
        sorted((data / "nuclei-2d" / f"split_{part}.txt").read_text().split())
        for part in ("train", "val")
    )
    order = np.random.default_rng(0).permutation(len(train))
    tuning, training = ([train[i] for i in part] for part in (order[:TUNING], order[TUNING:]))
    return load(training), load(tuning), load(val)


def curved_cells(data: Path) -> Parts:
    """Return long and bent cells that touch."""

    def draw(seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        field = NucleiField(
            shape=(256, 256), diameter_um=rng.uniform(9, 14), elongation=rng.uniform(2.5, 4.5),
            bend=rng.uniform(0.15, 0.35), count=120, touching=0.8, texture=0.3, seed=seed,
        )  # fmt: skip
        image, labels = field.draw()
        return Sample(f"curved-{seed}", NORMALIZE(image[None]), labels)

    return _simulated(draw, 80, 12, 30)


def stacks(data: Path) -> Parts:
    """Return stacks of nuclei, dense, noisy, blurred more along Z."""

    def draw(seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        field = NucleiField(
            shape=(32, 80, 80), spacing_um=(1, 1, 1), diameter_um=rng.uniform(11, 15), count=90,
            touching=0.8, elongation=rng.uniform(1, 1.8), bend=rng.uniform(0, 0.1),
            blur_um=rng.uniform(0.4, 1), photons=rng.uniform(5, 60), haze=rng.uniform(0, 0.8),
            seed=seed,
        )  # fmt: skip
        image, labels = field.draw()
        return Sample(f"stack-{seed}", NORMALIZE(image[None]), labels)

    return _simulated(draw, 40, 8, 16)


def _simulated(draw: Callable[[int], Sample], *counts: int) -> Parts:
    starts = (10_000, 20_000, 30_000)
    a, b, c = ([draw(s + i) for i in range(n)] for s, n in zip(starts, counts, strict=True))
    return a, b, c


TASKS = {
    "nuclei": Task(real_nuclei, 2, (160, 160), 4, 600),
    "curved": Task(curved_cells, 2, (160, 160), 4, 600),
    "stacks": Task(stacks, 3, (32, 64, 64), 2, 600),
}


def run(task: Task, parts: Parts, head: Head, seed: int, folder: Path) -> dict[str, float]:
    """Train and score once."""
    training, tuning, scored = parts
    options = task.options(head, seed)
    drain(train_steps(training, [], options, folder, "cpu"))
    network = options.architecture.build()
    network.load_state_dict(torch.load(folder / "best.pt", weights_only=True))
    inference = Inference(
        network.eval(), head.activate, options.architecture.stride, torch.device("cpu"),
        torch.bfloat16, options.tiling,
    )  # fmt: skip
    least = SPECK[task.ndim]
    maps = [drain(inference.steps(s.image)) for s in tuning]
    threshold = max(THRESHOLDS, key=lambda t: _mean_ap(_with(head, t), maps, tuning, least))
    maps = [drain(inference.steps(s.image)) for s in scored]
    return _scores(_with(head, threshold), maps, scored, least) | {"threshold": threshold}


def _with(head: Head, threshold: float) -> Head:
    return head.model_copy(update={"threshold": threshold})


def _mean_ap(head: Head, maps: list, samples: list[Sample], least: int) -> float:
    found = [remove_small(head.decode(m), least) for m in maps]
    pairs = [match(f, s.labels) for f, s in zip(found, samples, strict=True)]
    return float(np.mean(mean_ap(pairs)))


def _scores(head: Head, maps: list, samples: list[Sample], least: int) -> dict[str, float]:
    start = time.process_time()
    found = [head.decode(m) for m in maps]
    seconds = time.process_time() - start
    found = [remove_small(f, least) for f in found]
    pairs = [match(f, s.labels) for f, s in zip(found, samples, strict=True)]
    ap = dict(zip([m.iou for m in pairs[0]], mean_ap(pairs), strict=True))
    wrong = np.sum([merges_and_splits(f, s.labels) for f, s in zip(found, samples, strict=True)], 0)
    return {
        **{f"ap{round(100 * t)}": ap[t] for t in SHOWN},
        "mean": float(np.mean(list(ap.values()))),
        "merges": int(wrong[0]),
        "splits": int(wrong[1]),
        "seconds": seconds,
    }


def merges_and_splits(found: np.ndarray, true: np.ndarray) -> tuple[int, int]:
    """Count the objects that hold most of two true ones or more, and the other way round."""
    found, true = relabel(found).astype(np.int64), relabel(true).astype(np.int64)
    kinds = int(true.max()) + 1
    pair, shared = np.unique(found * kinds + true, return_counts=True)
    f, t = np.divmod(pair, kinds)
    both = (f > 0) & (t > 0)
    f, t, shared = f[both], t[both], shared[both]
    held = shared > 0.5 * np.bincount(true.ravel())[t]
    holds = shared > 0.5 * np.bincount(found.ravel())[f]
    return int((np.bincount(f[held]) > 1).sum()), int((np.bincount(t[holds]) > 1).sum())


def report(runs: Path) -> None:
    """Print the mean over seeds, and how far the seeds are apart in mean AP."""
    print(machine("torch", "monai"))
    columns = ("ap50", "ap70", "ap90", "mean")
    for name, task in TASKS.items():
        print(f"\n{name}: {task.steps} steps of {task.batch} crops of {task.patch}")
        print(f"{'head':10} AP50  AP70  AP90  mean  seeds  merges splits  decode")
        for head in HEADS:
            files = sorted(runs.glob(f"{name}-{head}-*/score.json"))
            if not files:
                continue
            found = [json.loads(f.read_text()) for f in files]
            mean = {k: np.mean([f[k] for f in found]) for k in found[0]}
            apart = np.ptp([f["mean"] for f in found])
            ap = " ".join(f"{mean[c]:.3f}" for c in columns)
            print(
                f"{head:10} {ap}  {apart:.3f}  {mean['merges']:6.1f} {mean['splits']:6.1f}  "
                f"{mean['seconds']:.2f} s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/heads"))
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--report", action="store_true", help="only print what is there")
    args = parser.parse_args()
    for name in [] if args.report else args.tasks:
        parts = TASKS[name].parts(args.data)
        for seed in args.seeds:
            for head in HEADS.values():
                folder = args.runs / f"{name}-{head.name}-{seed}"
                path = folder / "score.json"
                if path.exists():
                    continue
                scores = run(TASKS[name], parts, head, seed, folder)
                path.write_text(json.dumps(scores))
                print(folder.name, scores, flush=True)
    report(args.runs)


if __name__ == "__main__":
    main()
