"""AP50 of `cells-2d` on the held-out parts of its sets, or on sets that it never sees.

    python training/cells_2d_scores.py --data DIR --model FOLDER [--sets cells-qpi ...]

Printed for each set: the mean over images at the known object size and at the estimated one. Sets
without a held-out part (`cells-tissue-if`, `cells-phase-neuronal`, `leukocytes-stained`) are for
evaluation only: they are scored as a whole, and chose nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from cells_2d_images import HELD_OUT, Pair, all_pairs, held_out_pairs, median_diameter

from napari_tally import Volume, load_model, segment
from napari_tally.metrics.match import match

HELD = ("cells-qpi", "yeast-phase-tracks", "photos-fruits-nuts", "photos-pebbles", "nuclei-2d")
ONE_CELL = ("leukocytes-stained",)  # its classes, nucleus and cytoplasm, are one cell together


def pairs_of(data: Path, name: str) -> Iterator[Pair]:
    """Yield the images of a set that no training has seen."""
    if name in HELD or name in HELD_OUT:
        yield from held_out_pairs(data, name)
        return
    for title, image, labels in all_pairs(data, name):
        yield title, image, (labels > 0).astype(np.int32) if name in ONE_CELL else labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--model", default="cells-2d")
    parser.add_argument("--sets", nargs="+", default=list(HELD))
    parser.add_argument("--most", type=int, help="images of a set")
    parser.add_argument("--tune", nargs="*", default=[], metavar="NAME=NUMBER")
    args = parser.parse_args()
    model = load_model(args.model)
    tune = {k: float(v) for k, v in (pair.split("=") for pair in args.tune)}
    for name in args.sets:
        known, guessed = [], []
        for title, image, labels in islice(pairs_of(args.data, name), args.most):
            volume = Volume(np.asarray(image, np.float32), "YX", name=title)
            size = f"{median_diameter(labels):.2f}px"
            for sizes, scores in ((size, known), (None, guessed)):
                found = segment(volume, model, object_size=sizes, tune=tune)
                scores.append(match(found.labels, labels)[0].ap)
        print(
            f"{name}: AP50 {np.mean(known):.3f} at the known size, {np.mean(guessed):.3f} at the "
            f"estimated one ({len(known)} images)",
            flush=True,
        )


if __name__ == "__main__":
    main()
