"""AP of a model of objects on the held-out parts of its sets, or on sets that it never sees.

    python training/object_scores.py cells-2d --data DIR [--model FOLDER] [--sets cells-qpi ...]

Printed for each set: AP50 and the mean AP from IoU 0.5 to 0.9, the mean over images, at the known
object size and at the estimated one. Sets without a held-out part (`cells-tissue-if`,
`cells-phase-neuronal`, `leukocytes-stained`) are for evaluation only: they are scored as a whole.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cells_2d_images as cells
import nuclei_histology
import numpy as np
from cells_2d_images import Pair, median_diameter

from napari_tally import Volume, load_model, segment
from napari_tally.metrics.match import match, mean_ap

SETS = {
    "cells-2d": (
        "cells-qpi",
        "yeast-phase-tracks",
        "photos-fruits-nuts",
        "photos-pebbles",
        "nuclei-2d",
    ),
    "nuclei-histology": ("nuclei-histology",),
}
ONE_CELL = ("leukocytes-stained",)  # its classes, nucleus and cytoplasm, are one cell together


def pairs_of(data: Path, name: str) -> Iterator[Pair]:
    """Yield (name, image, labels) of a set that the training has not seen."""
    if name == "nuclei-histology":
        for file in nuclei_histology.split(data)[1]:
            yield Path(file).stem, *nuclei_histology.pair(data, file)
    elif name in SETS["cells-2d"]:
        yield from cells.held_out_pairs(data, name)
    else:
        for title, image, labels in cells.all_pairs(data, name):
            yield title, image, (labels > 0).astype(np.int32) if name in ONE_CELL else labels


def volume(title: str, image: np.ndarray) -> Volume:
    """Return a grey or RGB image."""
    return Volume(np.asarray(image), "YXC" if image.ndim == 3 else "YX", name=title)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=SETS)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--model", help="a model folder instead of the shipped one")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--most", type=int, help="images of a set")
    parser.add_argument("--tune", nargs="*", default=[], metavar="NAME=NUMBER")
    args = parser.parse_args()
    model = load_model(args.model or args.name)
    tune = {k: float(v) for k, v in (pair.split("=") for pair in args.tune)}
    for name in args.sets or SETS[args.name]:
        scores: dict[str, list] = {"known": [], "estimated": []}
        for title, image, labels in islice(pairs_of(args.data, name), args.most):
            sizes = {"known": f"{median_diameter(labels):.2f}px", "estimated": None}
            for size, found in scores.items():
                result = segment(volume(title, image), model, object_size=sizes[size], tune=tune)
                found.append(match(result.labels, labels.astype(np.int32)))
        means = {size: mean_ap(found) for size, found in scores.items()}
        text = ", ".join(f"{s} size {m[0]:.3f} ({np.mean(m):.3f})" for s, m in means.items())
        print(f"{name}: AP50 (mean AP) {text}; {len(scores['known'])} images", flush=True)


if __name__ == "__main__":
    main()
