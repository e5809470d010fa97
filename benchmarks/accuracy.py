"""AP of a model on labelled images, through the whole pipeline, without test-time augmentation.

    python benchmarks/accuracy.py --data DIR --split split_val.txt [--model nuclei-2d]

DIR holds `images/` and `labels/` with files of the same names. AP is TP / (TP + FP + FN), both as
the mean over images and pooled over all objects.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile

from napari_tally import load_model, segment
from napari_tally.metrics.match import Matches, match, mean_ap, pooled


def names(data: Path, split: str | None) -> list[str]:
    """Return the file names to score: those of a split, or all."""
    if split is None:
        return sorted(p.name for p in (data / "images").glob("*.tif"))
    listed = (data / split).read_text().split()
    return [n if n.endswith(".tif") else f"{n}.tif" for n in listed]


def score(data: Path, files: list[str], model: str, **options: object) -> list[list[Matches]]:
    """Segment each image and match its objects with the truth."""
    loaded, found = load_model(model), []
    for name in files:
        result = segment(data / "images" / name, loaded, **options)
        found.append(match(result.labels, tifffile.imread(data / "labels" / name)))
    return found


def table(found: list[list[Matches]]) -> str:
    """Return the scores as text: one column an IoU threshold, and their mean."""
    per_image, together = mean_ap(found), [m.ap for m in pooled(found)]
    header = "IoU              " + " ".join(f"{m.iou:5.2f}" for m in found[0]) + "   mean"
    rows = [("mean over images", per_image), ("pooled", together)]
    lines = [
        f"{title:16} " + " ".join(f"{v:.3f}" for v in values) + f"  {np.mean(values):.3f}"
        for title, values in rows
    ]
    return "\n".join([header, *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/nuclei-2d"))
    parser.add_argument("--split")
    parser.add_argument("--model", default="nuclei-2d")
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    files = names(args.data, args.split)
    print(f"{args.model} on {len(files)} images of {args.data.name} ({args.split or 'all'})")
    print(table(score(args.data, files, args.model, precision=args.precision)))


if __name__ == "__main__":
    main()
