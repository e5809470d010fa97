"""AP on other images after learning from 1, 2, 4 and 8: from a shipped model, and from nothing.

    python benchmarks/few_images.py --data DIR/nuclei-brightfield [--model nuclei-2d]

DIR holds `images/` and `labels/` with files of the same names. They are shuffled (seed 0); the last
half is scored, and what is learnt from are the first 1, 2, 4, 8 of the others. `--model` is trained
on as `tally train --from` does; from nothing a network takes as many steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from accuracy import names, score
from side_by_side import machine

from napari_tally import train
from napari_tally.metrics.match import mean_ap

COUNTS = (1, 2, 4, 8)


def learnt(data: Path, files: list[str], output: Path, **options: object) -> tuple[Path, int]:
    """Train on files, and return the model and the number of its steps."""
    pairs = [(data / "images" / name, data / "labels" / name) for name in files]
    found = train(pairs, output, kind="instances", validation=0.0, **options)
    return found.folder, found.training.step


def row(what: str, data: Path, rest: list[str], model: str | Path, seconds: float) -> str:
    """Score a model and return a line of the table."""
    ap = mean_ap(score(data, rest, str(model)))
    return f"{what:34} {ap[0]:.3f}  {np.mean(ap):.3f}   {seconds / 60:.1f} min"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/nuclei-brightfield"))
    parser.add_argument("--model", default="nuclei-2d")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    args = parser.parse_args()
    files = np.random.default_rng(0).permutation(names(args.data, None)).tolist()
    rest = files[len(files) // 2 :]
    print(machine())
    print(f"{args.data.name}: AP at IoU 0.5 and its mean over 0.5 to 0.9 on {len(rest)} images")
    print(row(f"{args.model} as it is", args.data, rest, args.model, 0), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for count in args.counts:
            steps = None
            for start in (args.model, None):
                began = time.monotonic()
                target = Path(folder) / f"{count}-{start}"
                told = {} if steps is None else {"steps": steps}
                model, steps = learnt(args.data, files[:count], target, start=start, **told)
                what = f"{count} images, from {start or 'nothing'}, {steps:,} steps"
                spent = time.monotonic() - began
                print(row(what, args.data, rest, model, spent), flush=True)


if __name__ == "__main__":
    main()
