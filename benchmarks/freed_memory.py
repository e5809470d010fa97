"""What it is worth to keep the memory of freed tensors: with glibc as it is, and as we set it.

    python benchmarks/freed_memory.py [--rounds 3]

Each setting has processes of its own, in turns. Nothing else may run meanwhile.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from statistics import median

import torch
from side_by_side import machine
from train_throughput import prepared

from napari_tally import load_model, segment
from napari_tally.network.freed_memory import keep_freed_memory
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.training.loop.learner import Learner

STEPS, WARM, IMAGES = 20, 5, 5


def page_faults() -> int:
    """Return how many pages this process had to fetch so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def training() -> tuple[float, float]:
    """Return the seconds of a step of training, and its page faults."""
    recipe, _ = prepared()
    learner = Learner(recipe, "cpu")
    image = torch.rand(recipe.batch, recipe.architecture.in_channels, *recipe.patch)
    target = torch.rand(recipe.batch, recipe.head.channels(2), *recipe.patch)
    for number in range(STEPS + WARM):
        if number == WARM:
            start, before = time.perf_counter(), page_faults()
        learner.step(image, target, 1e-3)
    return (time.perf_counter() - start) / STEPS, (page_faults() - before) / STEPS


def segmenting() -> tuple[float, float]:
    """Return the seconds of segmenting an image of 1024 x 1024, and its page faults."""
    image, _ = NucleiField(seed=0, shape=(1024, 1024), count=600).draw()
    model = load_model("nuclei-2d")
    segment(image, model)
    start, before = time.perf_counter(), page_faults()
    for _ in range(IMAGES):
        segment(image, model)
    return (time.perf_counter() - start) / IMAGES, (page_faults() - before) / IMAGES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", action="store_true", help="print the figures of this process")
    parser.add_argument("--keep", action="store_true", help="keep freed memory in this process")
    args = parser.parse_args()
    if args.keep:
        keep_freed_memory()
    if args.once:
        print(*training(), *segmenting())
        return
    print(machine("torch"))
    ways: dict[str, list[str]] = {"as it is": [], "kept": ["--keep"]}
    rows: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, flags in ways.items():
            command = [sys.executable, __file__, "--once", *flags]
            out = subprocess.check_output(command, text=True)
            rows[name].append([float(word) for word in out.split()])
    for name, figures in rows.items():
        step, step_faults, image, image_faults = (
            median(column) for column in zip(*figures, strict=True)
        )
        print(
            f"  {name:9} step of training {step:.4f} s, {step_faults:6.0f} page faults;"
            f" 1024 x 1024 segmented {image:.3f} s, {image_faults:6.0f}"
        )


if __name__ == "__main__":
    main()
