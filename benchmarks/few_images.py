"""AP50 on other images after training on 1, 4 and 16: from shipped models, and from nothing.

    python benchmarks/few_images.py --data DIR/cells-phase-neuronal [--starts cells-2d nuclei-2d]

DIR holds `images/` and `labels/` with files of the same stems. In each draw they are shuffled; the
first 1, 4 and 16 are trained on as `tally train --from` does, and the last ones (at most `--test`)
are scored. From nothing, a network takes as many steps as from the first start.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from side_by_side import machine

from napari_tally import load_model, read, segment, train
from napari_tally.metrics.match import match
from napari_tally.objects.relabel import relabel

COUNTS = (1, 4, 16)
NOTHING = "nothing"


@dataclass(frozen=True)
class Trial:
    """What is trained on and scored in one draw."""

    pairs: list[tuple[Path, Path]]
    rest: list[tuple[Path, Path]]

    def model(self, start: str, steps: int | None, output: Path) -> tuple[Path, int]:
        """Train on the pairs; return the model and the number of its steps."""
        options: dict[str, object] = {} if steps is None else {"steps": steps}
        if start != NOTHING:
            options["start"] = start
        found = train(self.pairs, output, kind="instances", validation=0.0, **options)
        return found.folder, found.training.step

    def score(self, model: str | Path) -> float:
        """Return the mean AP50 over the other images."""
        loaded, scores = load_model(str(model)), []
        for image, labels in self.rest:
            truth = relabel(np.asarray(read(labels).array).squeeze())
            scores.append(match(segment(image, loaded).labels, truth)[0].ap)
        return float(np.mean(scores))


def pairs_of(data: Path) -> list[tuple[Path, Path]]:
    """Return all images with their labels."""
    labels = {path.stem: path for path in (data / "labels").iterdir()}
    return [(path, labels[path.stem]) for path in sorted((data / "images").iterdir())]


def trial(pairs: list[tuple[Path, Path]], count: int, draw: int, test: int) -> Trial:
    """Return the first pairs of a shuffled list for training, and the last ones to score."""
    order = np.random.default_rng(draw).permutation(len(pairs))
    return Trial([pairs[i] for i in order[:count]], [pairs[i] for i in order[count:][-test:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--starts", nargs="+", default=["cells-2d", "nuclei-2d"])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--test", type=int, default=12, help="images to score, at most")
    parser.add_argument("--steps", type=int, help="default: as many as the plan takes")
    args = parser.parse_args()
    print(machine())
    for data in args.data:
        pairs = pairs_of(data)
        for start in args.starts:
            print(f"{data.name}: {start} as it is {trial(pairs, 0, 0, args.test).score(start):.3f}")
        for count in (n for n in args.counts if n < len(pairs)):
            steps = args.steps
            for start in (*args.starts, NOTHING):
                scores, began = [], time.monotonic()
                for draw in range(args.draws):
                    own = trial(pairs, count, draw, args.test)
                    with tempfile.TemporaryDirectory() as folder:
                        model, steps = own.model(start, steps, Path(folder) / "model")
                        scores.append(own.score(model))
                each = (time.monotonic() - began) / args.draws
                print(
                    f"{data.name}: {count} images, from {start}: {np.mean(scores):.3f} "
                    f"{np.round(scores, 3).tolist()}, {steps:,} steps, {each / 60:.1f} min each",
                    flush=True,
                )


if __name__ == "__main__":
    main()
