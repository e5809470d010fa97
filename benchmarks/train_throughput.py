"""How much of the bare network's speed a training keeps: the loop beside steps on random tensors.

    python benchmarks/train_throughput.py [--ndim 3] [--rounds 10] [--threads 1 --workers 1]

Simulated nuclei, the automatic plan of this machine. Some steps of the one and some of the other
are timed in turns, and the median of their ratios is told: nothing else may run meanwhile. With
fewer threads than cores for the network, in both, and processes that make the crops it shows what a
core more is worth.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_tally import Volume
from napari_tally.core.progress import drain
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.training.data.labelled_image import Labelled, check_all
from napari_tally.training.data.preprocess import samples_steps
from napari_tally.training.loop.learner import Learner
from napari_tally.training.loop.loop import Learning, train_steps
from napari_tally.training.plan.dataset_fingerprint import fingerprint
from napari_tally.training.plan.options import TrainingOptions
from napari_tally.training.plan.plan import make_plan
from napari_tally.training.train import info_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_tally.training.data.sample import Sample
    from napari_tally.training.loop.hyperparameters import Hyperparameters

IMAGES, WARM = 8, 20
FIELDS = {
    2: {"shape": (256, 256), "count": 40},
    3: {"shape": (48, 96, 96), "spacing_um": (1, 0.5, 0.5), "count": 30},
}


def prepared(ndim: int = 2) -> tuple[Hyperparameters, list[Sample]]:
    """Return the recipe of the automatic plan, and the images on the network's grid."""
    pairs = []
    for seed in range(IMAGES):
        image, labels = NucleiField(seed=seed, **FIELDS[ndim]).draw()
        name, axes = f"field-{seed}", "ZYX"[-ndim:]
        pairs.append(Labelled(name, Volume(image, axes, name=name), Volume(labels, axes)))
    pairs = check_all(pairs)
    plan = make_plan(fingerprint(pairs, "instances"))
    samples = drain(samples_steps(pairs, info_of(plan, TrainingOptions(), "speed")))
    return plan.recipe(), samples


def bare(recipe: Hyperparameters) -> Iterator[None]:
    """Make steps on one random batch that is there already, one at a time."""
    learner = Learner(recipe, "auto")
    image = torch.rand(recipe.batch, recipe.architecture.in_channels, *recipe.patch)
    labels = np.zeros(recipe.patch, np.int32)
    labels[tuple(slice(n // 4, n // 2) for n in recipe.patch)] = 1
    target = torch.from_numpy(recipe.head.encode(labels))[None].repeat(
        recipe.batch, *(1,) * (len(recipe.patch) + 1)
    )
    while True:
        learner.step(image, target, 1e-3)
        yield


def looped(recipe: Hyperparameters, samples: list[Sample], folder: Path) -> Iterator[None]:
    """Make steps of the training loop, one at a time."""
    never = recipe.steps + 1
    recipe = recipe.model_copy(update={"validate_every": never, "checkpoint_every": never})
    for step in train_steps(samples, [], recipe, folder):
        if isinstance(step, Learning):
            yield


def seconds(steps: Iterator[None], count: int) -> float:
    """Return how long a step takes, the mean of several."""
    start = time.perf_counter()
    for _ in range(count):
        next(steps)
    return (time.perf_counter() - start) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ndim", type=int, choices=(2, 3), default=2)
    parser.add_argument("--steps", type=int, default=20, help="in a row")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, help="of the network; as many as cores if not given")
    parser.add_argument("--workers", type=int, help="processes; as planned if not given")
    args = parser.parse_args()
    recipe, samples = prepared(args.ndim)
    if args.workers is not None:
        recipe = recipe.model_copy(update={"workers": args.workers})
    torch.set_num_threads(args.threads or torch.get_num_threads())
    recipe = recipe.model_copy(update={"steps": WARM + args.steps * args.rounds + 1})
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        alone, whole = bare(recipe), looped(recipe, samples, Path(folder))
        seconds(alone, WARM), seconds(whole, WARM)
        for _ in range(args.rounds):
            one, other = seconds(alone, args.steps), seconds(whole, args.steps)
            ratios.append(one / other)
            print(f"bare {1 / one:.3f}, loop {1 / other:.3f} steps/s: {ratios[-1]:.2f}")
        whole.close()
        state = torch.load(Path(folder) / "last.pt", weights_only=True)["state"]
    waited = state["waited"] / (state["waited"] + state["seconds"])
    print(
        f"{recipe.batch} crops of {recipe.patch}, {torch.get_num_threads()} threads, "
        f"{recipe.workers} workers: "
        f"median {np.median(ratios):.2f}, waited {waited:.1%}"
    )


if __name__ == "__main__":
    main()
