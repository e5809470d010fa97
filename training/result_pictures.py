"""Make the picture of a model card: held-out images with the best and the worst results.

    python training/result_pictures.py cells-2d --data DIR --output results.jpg [--model FOLDER]

Each row has the image, the outlines of the ground truth and those of the result, with the score: AP
at IoU 0.5 for objects, the mean Dice for classes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import class_scores
import matplotlib
import numpy as np
import object_scores

from napari_tally import Volume, load_model, read, segment
from napari_tally.figures.overlay import overlay
from napari_tally.metrics.match import match

matplotlib.use("agg")
from matplotlib import pyplot as plt

BEST, WORST = 2, 3
LONGEST = 400  # px of a picture


@dataclass(frozen=True)
class Shown:
    """A result: the score, the image as it is shown, and the labels of both."""

    score: float
    name: str
    image: np.ndarray
    truth: np.ndarray
    found: np.ndarray


def objects(data: Path, name: str, model: str, most: int) -> Iterator[Shown]:
    """Yield the results of a model of objects."""
    loaded = load_model(model)
    for part in object_scores.SETS[name]:
        for title, image, labels in islice(object_scores.pairs_of(data, part), most):
            found = segment(object_scores.volume(title, image), loaded).labels
            ap = match(found, labels.astype(np.int32))[0].ap
            yield Shown(ap, f"{part}: AP50", image, labels, found)


def classes(data: Path, name: str, model: str, most: int) -> Iterator[Shown]:
    """Yield the results of a model of classes, of volumes the plane with most of them."""
    loaded = load_model(model)
    count = len(loaded.info.head.classes)
    for case in islice(class_scores.CASES[name](data), most):
        found = np.asarray(segment(case.image, loaded).classes.array)
        score = float(np.nanmean(class_scores.dice(found, case.classes, count)))
        volume = case.image if isinstance(case.image, Volume) else read(case.image)
        image, truth = np.asarray(volume.array), case.classes
        if truth.ndim == 3:
            plane = int((truth > 0).sum((1, 2)).argmax())
            image = np.clip(image[plane], 800, 1400)
            truth, found = truth[plane], found[plane]
        yield Shown(score, "mean Dice", image, truth, found)


def cut(shown: Shown) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the middle of what is labelled: image, ground truth and result."""
    places = np.argwhere(shown.truth > 0)
    middle = places.mean(0).astype(int) if len(places) else np.array(shown.truth.shape) // 2
    part = tuple(
        slice(max(0, min(int(at) - LONGEST // 2, n - LONGEST)), None)
        for at, n in zip(middle, shown.truth.shape, strict=True)
    )
    part = tuple(slice(s.start, s.start + LONGEST) for s in part)
    return shown.image[part], shown.truth[part], shown.found[part]


def draw(rows: list[Shown], path: Path) -> None:
    """Write a picture with a row for each result."""
    figure, axes = plt.subplots(len(rows), 3, figsize=(6.6, 2.3 * len(rows)), squeeze=False)
    for line, shown in zip(axes, rows, strict=True):
        image, truth, found = cut(shown)
        grey = image.mean(-1) if image.ndim == 3 else image
        pictures = (image, overlay(grey, truth), overlay(grey, found))
        titles = (shown.name, "ground truth", f"result: {shown.score:.2f}")
        for ax, picture, title in zip(line, pictures, titles, strict=True):
            ax.imshow(picture, cmap="gray")
            ax.set_title(title, fontsize=8)
            ax.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=110, pil_kwargs={"quality": 80})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=[*object_scores.SETS, *class_scores.CASES])
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--model", help="a model folder instead of the shipped one")
    parser.add_argument("--output", type=Path, default=Path("results.jpg"))
    parser.add_argument("--most", type=int, default=20, help="images of a set")
    args = parser.parse_args()
    results = objects if args.name in object_scores.SETS else classes
    shown = list(results(args.data, args.name, args.model or args.name, args.most))
    shown.sort(key=lambda one: one.score)
    print([round(one.score, 2) for one in shown])
    draw(shown[:WORST] + shown[-BEST:] if len(shown) > WORST + BEST else shown, args.output)


if __name__ == "__main__":
    main()
