"""How much of the bare network's speed a training keeps: the loop beside steps on random tensors.

    python benchmarks/train_throughput.py [--ndim 3] [--steps 30] [--threads 1 --workers 1]

Simulated nuclei, the automatic plan of this machine. Both are timed in turns, and the median of the
rounds is told: nothing else may run meanwhile. With fewer threads than cores for the network, in
both, and processes that make the crops it shows what a core more is worth.
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
from napari_tally.pipeline.brought import samples_steps
from napari_tally.pipeline.fingerprint import fingerprint
from napari_tally.pipeline.labelled import Labelled, check_all
from napari_tally.pipeline.learner import Learner
from napari_tally.pipeline.plan import make_plan
from napari_tally.pipeline.train import Learning, train_steps
from napari_tally.pipeline.training import info_of
from napari_tally.pipeline.training_options import TrainingOptions
from napari_tally.simulate.nuclei import NucleiField

if TYPE_CHECKING:
    from napari_tally.pipeline.recipe import TrainOptions
    from napari_tally.pipeline.sample import Sample

IMAGES, WARM = 8, 20
FIELDS = {
    2: {"shape": (256, 256), "count": 40},
    3: {"shape": (48, 96, 96), "spacing_um": (1, 0.5, 0.5), "count": 30},
}


def prepared(ndim: int = 2) -> tuple[TrainOptions, list[Sample]]:
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


def bare(recipe: TrainOptions, steps: int) -> float:
    """Return steps a second on one random batch that is there already."""
    learner = Learner(recipe, "auto")
    image = torch.rand(recipe.batch, recipe.architecture.in_channels, *recipe.patch)
    labels = np.zeros(recipe.patch, np.int32)
    labels[tuple(slice(n // 4, n // 2) for n in recipe.patch)] = 1
    target = torch.from_numpy(recipe.head.encode(labels))[None].repeat(
        recipe.batch, *(1,) * (len(recipe.patch) + 1)
    )
    for number in range(steps + WARM):
        if number == WARM:
            start = time.perf_counter()
        learner.step(image, target, 1e-3)
    return steps / (time.perf_counter() - start)


def looped(recipe: TrainOptions, samples: list[Sample], steps: int) -> tuple[float, float]:
    """Return steps a second of the training loop, and the share of time it waited for data."""
    total = steps + WARM
    recipe = recipe.model_copy(
        update={"steps": total, "validate_every": 10 * total, "checkpoint_every": 10 * total}
    )
    with tempfile.TemporaryDirectory() as folder:
        for step in train_steps(samples, [], recipe, Path(folder)):
            if isinstance(step, Learning) and step.done == WARM:
                start = time.perf_counter()
            if isinstance(step, Learning) and step.done == total - 1:  # the last one writes files
                seconds = time.perf_counter() - start
        state = torch.load(Path(folder) / "last.pt", weights_only=True)["state"]
    return (steps - 1) / seconds, state["waited"] / (state["waited"] + state["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ndim", type=int, choices=(2, 3), default=2)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of the network; as many as cores if not given")
    parser.add_argument("--workers", type=int, help="processes; as planned if not given")
    args = parser.parse_args()
    recipe, samples = prepared(args.ndim)
    if args.workers is not None:
        recipe = recipe.model_copy(update={"workers": args.workers})
    torch.set_num_threads(args.threads or torch.get_num_threads())
    rows = []
    for _ in range(args.rounds):
        alone = bare(recipe, args.steps)
        whole, waited = looped(recipe, samples, args.steps)
        rows.append((alone, whole, whole / alone, waited))
        print(
            f"bare {alone:.3f}, loop {whole:.3f} steps/s: {whole / alone:.2f}, waited {waited:.1%}"
        )
    ratio = float(np.median([row[2] for row in rows]))
    print(
        f"{recipe.batch} crops of {recipe.patch}, {torch.get_num_threads()} threads, "
        f"{recipe.workers} workers: median {ratio:.2f}"
    )


if __name__ == "__main__":
    main()
