"""Memory of a command over many images: it must not grow with their number.

    python benchmarks/memory_of_many.py [--images 300]

Prints the resident size after a tenth of the images and after all of them, for each command.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from side_by_side import machine

from napari_tally import Volume, write
from napari_tally.core.progress import Step, Steps

MOST_MIB = 100.0


def segmenting(folder: Path) -> Steps[object]:
    """Segment the images of a folder."""
    from napari_tally.files.expand_inputs import expand
    from napari_tally.segmentation.segment_files import segment_files_steps
    from napari_tally.segmentation.setup.options import SegmentOptions

    sources = expand([folder / "images"])
    return segment_files_steps(sources, None, SegmentOptions(), folder / "segmented")


def measuring(folder: Path) -> Steps[object]:
    """Measure the labels of a folder in its images."""
    from napari_tally.files.match_images_to_labels import match_rows
    from napari_tally.measurement.measure_files import MeasureJob, measure_files_steps
    from napari_tally.measurement.options import MeasureOptions

    rows, _, _ = match_rows([folder / "labels"], [folder / "images"])
    jobs = [MeasureJob(row, folder / "measured" / f"{row.name}.csv") for row in rows]
    return measure_files_steps(jobs, MeasureOptions())


def evaluating(folder: Path) -> Steps[object]:
    """Score the labels of a folder against themselves."""
    from napari_tally.evaluation.evaluate_files import evaluate_sets_steps, prediction_sets
    from napari_tally.evaluation.options import EvaluateOptions

    options = EvaluateOptions()
    sets = prediction_sets([folder / "labels"], folder / "labels", options)
    return evaluate_sets_steps(sets, options)


COMMANDS = {"segment": segmenting, "measure": measuring, "evaluate": evaluating}


def draw(folder: Path, count: int) -> None:
    """Write images of 128 x 128 px with discs, and their labels."""
    rng = np.random.default_rng(0)
    y, x = np.indices((128, 128))
    discs = (y % 32 - 16) ** 2 + (x % 32 - 16) ** 2 < 81
    labels = np.where(discs, y // 32 * 4 + x // 32 + 1, 0).astype(np.uint16)
    for number in range(count):
        image = (rng.integers(0, 200, labels.shape) + 1500 * discs).astype(np.uint16)
        for name, array in (("images", image), ("labels", labels)):
            write(Volume(array, "YX", (0.5, 0.5), "um"), folder / name / f"{number:04}.tif")


def sizes(steps: Steps[object], whole: tuple[str, ...] = ("files", "images")) -> Iterator[float]:
    """Run a command and yield the resident size in MiB after each input."""
    process = psutil.Process()
    last = 0
    for step in steps:
        if isinstance(step, Step) and step.stage in whole and step.done > last:
            last = step.done
            yield process.memory_info().rss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--command", choices=COMMANDS, action="append")
    args = parser.parse_args()
    print(machine("torch", "numba", "tifffile"))
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), args.images)
        for name in args.command or COMMANDS:
            found = list(sizes(COMMANDS[name](Path(folder))))
            early, late = found[len(found) // 10 - 1], found[-1]
            verdict = "ok" if late - early < MOST_MIB else f"more than {MOST_MIB:.0f} MiB"
            print(
                f"{name:9} {len(found)} images: {early:.0f} MiB after a tenth,"
                f" {late:.0f} MiB after all: {late - early:+.0f} MiB, {verdict}"
            )


if __name__ == "__main__":
    main()
