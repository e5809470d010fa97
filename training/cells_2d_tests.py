"""Choose the object tests of `cells-2d`, and calibrate its confidence; neither on EVAL sets.

    python training/cells_2d_tests.py --data DIR --model FOLDER [--write]

The images, with objects at the typical size: simulated fields that were not in training, and
training images of the real sets (which the network hardly fits better than new ones). Each set
counts alike. AP is TP / (TP + FP + FN) at IoU 0.5, the mean over images.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import numpy as np
from cells_2d_fields import random_field
from cells_2d_images import SHARES, TYPICAL_PX, Pair, at_typical_size, training_pairs

from napari_tally import Volume, segment
from napari_tally.heads.confidence import calibrated
from napari_tally.heads.object_evidence import means
from napari_tally.heads.object_tests import flow_error
from napari_tally.metrics.reliability import auroc, true_ones
from napari_tally.models.bundle import load_model, save_info

SIMULATED, REAL, SEED = 80, 8, 77
THRESHOLDS = (0.3, 0.4, 0.5, 0.6)
PROBABILITIES = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85)
ERRORS = (1.0, 0.7, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2)
SIZES = (0.0, 0.03, 0.05, 0.1, 0.15)


@dataclass(frozen=True)
class Found:
    """The objects of an image at one threshold: evidence, size, and whether each is true."""

    group: str
    probability: np.ndarray
    error: np.ndarray
    size: np.ndarray
    true: np.ndarray
    wanted: int

    def ap(self, probability: float, error: float, relative: float) -> float:
        """Return AP50 with these tests."""
        kept = (self.probability >= probability) & ((self.error <= error) | (error >= 1))
        order = np.sort(self.size[kept])
        if len(order):
            typical = order[np.searchsorted(np.cumsum(order), order.sum() / 2)]
            kept &= self.size >= relative * typical
        hits = int(self.true[kept].sum())
        return hits / max(1, int(kept.sum()) + self.wanted - hits)


def images(data: Path) -> Iterator[tuple[str, Pair]]:
    """Yield (group, (name, image, labels)) at the typical size."""
    for i in range(SIMULATED):
        image, labels = random_field(np.random.default_rng([SEED, 10**6, i])).draw()
        if labels.any():
            yield "simulated", (f"field-{i}", image, labels.astype(np.int32))
    for name in SHARES:
        pairs = list(training_pairs(data, name))
        for title, image, labels in islice(pairs, 0, None, max(1, len(pairs) // REAL)):
            yield name, (title, *at_typical_size(image, labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--model", default="cells-2d")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    model = load_model(args.model)
    head = model.info.head.tuned(mean_probability=0.0, flow_error=1.0, relative_size=0.0)
    found: dict[float, list[Found]] = {t: [] for t in THRESHOLDS}
    for group, (title, image, labels) in images(args.data):
        volume = Volume(np.asarray(image, np.float32), "YX", name=title)
        result = segment(volume, model, object_size=f"{TYPICAL_PX}px", keep_maps=True, tta=False)
        assert result.maps is not None
        maps = np.asarray(result.maps[0], np.float32)
        for threshold in THRESHOLDS:
            own = head.tuned(threshold=threshold).decode(maps)
            count = int(own.max(initial=0))
            size = np.bincount(own.ravel(), minlength=count + 1)[1:]
            evidence = (
                means(own, 1 - maps[0], count),
                means(own, flow_error(own, maps[2:]), count),
            )
            large = size >= model.info.min_size
            true = true_ones(own, labels)
            wanted = len(np.unique(labels[labels > 0]))
            kept = [a[large] for a in (*evidence, size, true)]
            found[threshold].append(Found(group, *kept, wanted))
    groups = sorted({one.group for one in found[0.5]})

    def score(threshold: float, *tests: float) -> float:
        each = [[f.ap(*tests) for f in found[threshold] if f.group == g] for g in groups]
        return float(np.mean([np.mean(some) for some in each]))

    off = (0.5, 0.0, 1.0, 0.0)
    ranked = sorted(
        product(THRESHOLDS, PROBABILITIES, ERRORS, SIZES), key=lambda s: score(*s), reverse=True
    )
    print(f"without tests: {score(*off):.3f}")
    for setting in ranked[:5]:
        print(f"{score(*setting):.3f}: threshold, probability, error, size {setting}")
    best = ranked[0]
    for group in groups:
        own = [f for f in found[best[0]] if f.group == group]
        before = np.mean([f.ap(*off[1:]) for f in found[0.5] if f.group == group])
        print(
            f"  {group}: {before:.3f} -> {np.mean([f.ap(*best[1:]) for f in own]):.3f} ({len(own)})"
        )
    kept = [(f.probability, f.true, f.probability >= best[1]) for f in found[best[0]]]
    probability = np.concatenate([p[keep] for p, _, keep in kept])
    true = np.concatenate([t[keep] for _, t, keep in kept])
    print(f"{len(true):,} objects, {true.mean():.1%} true; AUROC {auroc(probability, true):.3f}")
    confidence = calibrated(
        probability[:, None], true, ("probability",), "simulated fields and training images"
    )
    print(confidence.model_dump_json())
    if args.write:
        names = ("threshold", "mean_probability", "flow_error", "relative_size")
        head = model.info.head.tuned(**dict(zip(names, best, strict=True)))
        save_info(
            model.folder, model.info.model_copy(update={"head": head, "confidence": confidence})
        )


if __name__ == "__main__":
    main()
