"""A point head on networks of coarse output, beside the same networks without, at equal time.

    OMP_NUM_THREADS=1 python benchmarks/point_head.py --runs runs/point_head --seconds 120
    OMP_NUM_THREADS=1 python benchmarks/point_head.py --runs runs/point_head --report

The point head of PointRend (Kirillov et al., 2020, https://doi.org/10.1109/CVPR42600.2020.00982) is
a small MLP on the finest features and the coarse prediction. It decides again the least certain
voxels of the enlarged prediction: in training random ones, preferably uncertain; at inference the
most uncertain share after each doubling of the resolution. The networks are a SegFormer (output at
a quarter of the resolution), a DynUNet without its last decoder stages, and a whole DynUNet, on
simulated nuclei (2D) and brain phantoms (3D). `--time` measures the seconds of a training step and
of inference, interleaved, to be run on a machine that does nothing else; each network then trains
for as many steps as fit in `--seconds`. Reported are Dice and boundary F1 (voxels of both outlines
that are within 1 voxel of the other), means over classes, images and seeds.

Two seeds of ten networks take `--seconds` 20 times, 40 minutes of one core as given above. Finished
runs are not made again.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from point_head_networks import Cut, Former, Plain, Pointed
from scipy.ndimage import binary_dilation, binary_erosion
from side_by_side import compare, machine
from torch import Tensor, nn

from napari_tally.heads.semantic import Semantic
from napari_tally.network.normalize import Percentile
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.simulate.phantom import CLASSES, BrainPhantom

Pairs = list[tuple[NDArray[np.float32], NDArray[np.int64]]]


@dataclass(frozen=True)
class Task:
    """Images, a patch, and the share of voxels that are points."""

    draw: Callable[[int], Any]
    head: Semantic
    patch: tuple[int, ...]
    batch: int
    images: tuple[int, int]  # trained on, scored
    flipped: int  # axes, from the last
    share: float

    @property
    def ndim(self) -> int:
        return len(self.patch)

    def pairs(self, start: int, count: int) -> Pairs:
        drawn = [self.draw(start + i).draw() for i in range(count)]
        if self.ndim == 2:
            drawn = [(image, labels > 0) for image, labels in drawn]
        return [(Percentile()(image[None]), labels.astype(np.int64)) for image, labels in drawn]


def field(seed: int) -> NucleiField:
    """Return small nuclei, dim and blurred."""
    rng = np.random.default_rng(seed)
    return NucleiField(
        shape=(256, 256), diameter_um=rng.uniform(6, 12), count=110, touching=0.3, bend=0.15,
        blur_um=rng.uniform(0.4, 0.9), photons=rng.uniform(15, 100), seed=seed,
    )  # fmt: skip


def phantom(seed: int) -> BrainPhantom:
    """Return a noisy phantom."""
    return BrainPhantom(shape=(32, 48, 32), noise=0.08, seed=seed)


TASKS = {
    "nuclei": Task(field, Semantic(), (128, 128), 4, (24, 12), 2, 0.2),
    "phantom": Task(phantom, Semantic(classes=CLASSES), (24, 40, 24), 1, (20, 10), 1, 0.1),
}


def networks(task: Task) -> dict[str, Callable[[], Plain]]:
    """Return how to build each network, those with a point head after those without."""
    levels = {"U-Net, quarter": 2, "U-Net, half": 1, "U-Net, full": 0}
    del levels["U-Net, half" if task.ndim == 2 else "U-Net, quarter"]
    classes = task.head.channels(task.ndim)
    bodies: dict[str, Any] = {k: partial(Cut, task.ndim, classes, v) for k, v in levels.items()}
    if task.ndim == 2:
        bodies = {"SegFormer": partial(Former, 2, classes, 2), **bodies}
    found: dict[str, Callable[[], Plain]] = {}
    for name, body in bodies.items():
        found[name] = partial(Plain, body, task.head, task.ndim)
        found[f"{name} + points"] = partial(Pointed, body, task.head, task.ndim, task.share)
    return found


class Training:
    """A network, its optimizer, and random patches."""

    def __init__(self, net: Plain, pairs: Pairs, task: Task, seed: int) -> None:
        self.net, self.pairs, self.task = net.train(), pairs, task
        self.rng = np.random.default_rng(seed)
        self.optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.01)

    def step(self, rate: float = 2e-3) -> None:
        patches = [self._patch() for _ in range(self.task.batch)]
        image, labels = map(torch.stack, zip(*patches, strict=True))
        loss = self.net.loss(image, labels)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()

    def _patch(self) -> tuple[Tensor, Tensor]:
        image, labels = self.pairs[self.rng.integers(len(self.pairs))]
        corner = [
            self.rng.integers(n - p + 1) for n, p in zip(labels.shape, self.task.patch, strict=True)
        ]
        part = tuple(slice(c, c + p) for c, p in zip(corner, self.task.patch, strict=True))
        axes = [-i for i in range(1, self.task.flipped + 1) if self.rng.random() < 0.5]
        both = (np.flip(a, axes).copy() for a in (image[(slice(None), *part)], labels[part]))
        return tuple(map(torch.from_numpy, both))  # type: ignore[return-value]


def seconds_of(task: Task) -> dict[str, dict[str, float]]:
    """Return the seconds of a training step, and of the inference of one image."""
    pairs = task.pairs(0, 2)
    nets = {name: build() for name, build in networks(task).items()}
    steps = {name: Training(net, pairs, task, 0).step for name, net in nets.items()}
    training = compare(steps, 9)
    image = torch.from_numpy(pairs[0][0])[None]
    ways = {name: partial(net.eval(), image) for name, net in nets.items()}
    with torch.inference_mode():
        return {"training": training, "inference": compare(ways, 9)}


def score(net: Plain, pairs: Pairs) -> dict[str, float]:
    """Return mean Dice and boundary F1."""
    net.eval()
    dice, edges = [], []
    for image, labels in pairs:
        with torch.inference_mode():
            found = net(torch.from_numpy(image)[None])[0].argmax(0).numpy()
        for k in range(1, len(net.head.classes) + 1):
            a, b = found == k, labels == k
            dice.append(2 * (a & b).sum() / max(1, a.sum() + b.sum()))
            edges.append(boundary_f1(a, b))
    return {"dice": float(np.mean(dice)), "f1": float(np.mean(edges))}


def boundary_f1(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the F1 of the outlines, with a tolerance of 1 voxel."""
    a, b = (m & ~binary_erosion(m, border_value=1) for m in (a, b))
    precision = (a & binary_dilation(b)).sum() / max(1, a.sum())
    recall = (b & binary_dilation(a)).sum() / max(1, b.sum())
    return float(2 * precision * recall / max(1e-9, precision + recall))


def train(build: Callable[[], Plain], task: Task, steps: int, seed: int, pairs: Pairs) -> Plain:
    """Train for some steps, with a warm-up and a cosine."""
    torch.manual_seed(seed)
    training = Training(build(), pairs, task, seed)
    for i in range(steps):
        cosine = 0.5 * (1 + math.cos(math.pi * i / steps))
        training.step(2e-3 * min(1, (i + 1) / 30) * cosine)
    return training.net


def report(runs: Path) -> None:
    """Print the mean over seeds, and how far the seeds are apart in F1."""
    for name, task in TASKS.items():
        times = json.loads((runs / f"{name}.json").read_text())
        print(f"\n{name}: patches of {task.patch}, batches of {task.batch}")
        print(f"{'network':24} steps  Dice   F1     apart  step     inference")
        for net in networks(task):
            found = [json.loads(f.read_text()) for f in sorted(runs.glob(f"{name}-{net}-*.json"))]
            if not found:
                continue
            dice, f1, steps = (np.mean([f[k] for f in found]) for k in ("dice", "f1", "steps"))
            apart = np.ptp([f["f1"] for f in found])
            step, once = (1000 * times[k][net] for k in ("training", "inference"))
            print(
                f"{net:24} {steps:5.0f}  {dice:.3f}  {f1:.3f}  {apart:.3f}  {step:5.1f} ms "
                f"{once:5.1f} ms" + ("" if len(found) > 1 else "  (one seed)")
            )


def main() -> None:
    """Time, train, score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/point_head"))
    parser.add_argument("--seconds", type=float, default=120, help="training of each network")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--networks", nargs="*", default=[""], help="how their names begin")
    parser.add_argument("--time", action="store_true", help="only measure seconds")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    how = parser.parse_args()
    how.runs.mkdir(parents=True, exist_ok=True)
    for name in [] if how.report else how.tasks:
        path = how.runs / f"{name}.json"
        if how.time or not path.exists():
            path.write_text(json.dumps(seconds_of(TASKS[name])))
    if how.time:
        return
    print(machine("torch", "monai"))
    for name in [] if how.report else how.tasks:
        run_all(name, how)
    report(how.runs)


def run_all(name: str, how: argparse.Namespace) -> None:
    """Train and score each network of a task once per seed."""
    task = TASKS[name]
    times = json.loads((how.runs / f"{name}.json").read_text())["training"]
    training, scored = task.pairs(10_000, task.images[0]), task.pairs(30_000, task.images[1])
    for seed, (net, build) in product(how.seeds, networks(task).items()):
        path = how.runs / f"{name}-{net}-{seed}.json"
        if path.exists() or not net.startswith(tuple(how.networks)):
            continue
        steps = round(how.seconds / times[net])
        trained = train(build, task, steps, seed, training)
        found = score(trained, scored) | {"steps": steps}
        path.write_text(json.dumps(found))
        print(path.stem, found, flush=True)


if __name__ == "__main__":
    main()
