"""Whether the confidence of objects means what it says: reliability and AUROC on labelled images.

    python benchmarks/confidence.py --data DIR --split split_val.txt [--picture FILE.png]
    python benchmarks/confidence.py --simulated 8 --model nuclei-3d

DIR holds `images/` and `labels/` with files of the same names. An object is a true one if it
matches a true object at IoU 0.5. AUROC is how often a true one has the higher confidence than one
that is not. Simulated stacks are drawn as in training, from other seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from accuracy import names

from napari_tally import Volume, load_model, segment
from napari_tally.metrics.reliability import (
    Reliability,
    auroc,
    calibration_error,
    reliability,
    true_ones,
)

SEED = 1_000  # of the simulated stacks: those of the training have 0 to 2, of the calibration 500


def simulated(count: int) -> Iterator[tuple[Volume, np.ndarray]]:
    """Give simulated stacks, on the grid on which the network was trained."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
    from nuclei_3d import random_sample

    for i in range(count):
        sample = random_sample(f"simulated-{i}", np.random.default_rng([SEED, i]))
        yield Volume(sample.image[0], "ZYX", (1, 1, 1), "um", name=sample.name), sample.labels


def on_disk(data: Path, split: str | None) -> Iterator[tuple[Volume | Path, np.ndarray]]:
    """Give the images of a folder with their labels."""
    for name in names(data, split):
        yield data / "images" / name, tifffile.imread(data / "labels" / name)


def stack(data: Path, name: str, coarse: float) -> Iterator[tuple[Volume, np.ndarray]]:
    """Give one stack of `nuclei-3d`, with slices `coarse` times as far apart as its pixels."""
    image, labels = (tifffile.imread(data / f"{name}_{k}.tif") for k in ("image", "labels"))
    yield Volume(image, "ZYX", (coarse, 1, 1), "um", name=name), labels


def table(rows: list[Reliability], confidence: np.ndarray, true: np.ndarray) -> str:
    """Return reliability and AUROC as text."""
    lines = ["confidence   objects   mean confidence   true ones"]
    for row in rows:
        low, high = f"{row.low:.1f}", f"{row.high:.1f}"
        lines.append(f"{low} to {high}   {row.count:7,}   {row.confidence:15.3f}   {row.true:9.3f}")
    lines.append(
        f"{len(true):,} objects, {true.mean():.1%} of them true; "
        f"AUROC {auroc(confidence, true):.3f}; calibration error {calibration_error(rows):.3f}"
    )
    return "\n".join(lines)


def draw(rows: list[Reliability], path: Path) -> None:
    """Write a picture: the share of true objects over confidence."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(3.6, 3.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    size = [20 + 0.05 * row.count for row in rows]
    error = [1.96 * np.sqrt(r.true * (1 - r.true) / r.count) for r in rows]
    x, y = [row.confidence for row in rows], [row.true for row in rows]
    axes.errorbar(x, y, error, fmt="none", color="tab:blue", linewidth=1)
    axes.scatter(x, y, size, color="tab:blue")
    axes.set(xlabel="confidence", ylabel="share that are true objects", xlim=(0, 1), ylim=(0, 1.02))
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/nuclei-2d"))
    parser.add_argument("--split")
    parser.add_argument("--stack", help="of --data, such as worm:2.0 (slices so far apart)")
    parser.add_argument("--simulated", type=int, default=0, help="so many simulated stacks instead")
    parser.add_argument("--model", default="nuclei-2d")
    parser.add_argument("--tta", action="store_true")
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    if args.stack:
        name, _, coarse = args.stack.partition(":")
        pairs, what = stack(args.data, name, float(coarse or 1)), name
    elif args.simulated:
        pairs, what = simulated(args.simulated), f"{args.simulated} simulated stacks"
    else:
        pairs, what = on_disk(args.data, args.split), f"{args.data.name}, {args.split or 'all'}"
    model, confidence, true = load_model(args.model), [], []
    for image, labels in pairs:
        result = segment(image, model, tta=args.tta)
        confidence.append(result.table["confidence"].to_numpy())
        true.append(true_ones(result.labels, labels))
    scores, matched = np.concatenate(confidence), np.concatenate(true)
    rows = reliability(scores, matched)
    print(f"{args.model}{' with test-time augmentation' * args.tta} on {what}")
    print(table(rows, scores, matched))
    if args.picture is not None:
        draw(rows, args.picture)


if __name__ == "__main__":
    main()
