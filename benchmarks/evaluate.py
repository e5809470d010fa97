"""Matching objects with their truth: our counting of runs, our old way, StarDist, torchmetrics.

    python benchmarks/evaluate.py [--small] [--repeats 3]

Truth is a grid of touching discs or balls, the prediction the same one shifted, with every tenth
object split and every tenth joined to its neighbour. The overlaps of our old way (`numpy.unique`
over all voxels) must equal those of the new one. StarDist and torchmetrics make a table of all
predicted with all true objects, or go pair by pair, so they take part in scenes of few objects
only; StarDist where the package `stardist` is installed.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from side_by_side import compare, machine, report
from skimage.segmentation import expand_labels

from napari_tally import evaluate
from napari_tally.evaluation.options import THRESHOLDS
from napari_tally.metrics.match import match, panoptic_counts
from napari_tally.metrics.overlaps import overlaps

try:
    from stardist.matching import matching as stardist_matching
except ImportError:
    stardist_matching = None

LARGE = [((4096, 4096), 50_000), ((128, 512, 512), 50_000)]  # shape, objects
FEW = [((1024, 1024), 1_000)]
NEW, OLD = "overlaps", "overlaps by numpy.unique (old)"


def scene(shape: tuple[int, ...], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return prediction and truth of about so many objects."""
    step = int((np.prod(shape) / count) ** (1 / len(shape)))
    places = np.meshgrid(*[np.arange(step // 2, n, step) for n in shape], indexing="ij")
    truth = np.zeros(shape, np.int32)
    truth[tuple(p.ravel() for p in places)] = np.arange(1, places[0].size + 1)
    truth = expand_labels(truth, 0.55 * step)
    predicted = np.roll(truth, max(1, step // 8), -1)
    joined = (predicted % 10 == 1) & (predicted > 1)
    half = (predicted % 10 == 5) & (np.arange(shape[-1]) // max(1, step // 2) % 2 == 0)
    predicted = np.where(joined, predicted - 1, np.where(half, predicted + truth.max(), predicted))
    return predicted.astype(np.int32), truth


def old_overlaps(predicted: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return pairs and IoU as they were counted until `metrics.overlaps`."""
    _, p = np.unique(predicted, return_inverse=True)
    _, t = np.unique(true, return_inverse=True)
    p, t = p.ravel(), t.ravel()
    pair, shared = np.unique(p.astype(np.int64) * (t.max() + 1) + t, return_counts=True)
    ip, it = np.divmod(pair, t.max() + 1)
    keep = (ip > 0) & (it > 0)
    ip, it, shared = ip[keep], it[keep], shared[keep]
    return ip, it, shared / (np.bincount(p)[ip] + np.bincount(t)[it] - shared)


def same(predicted: np.ndarray, true: np.ndarray) -> bool:
    """Tell whether both ways give the same pairs and the same IoU, to the last bit."""
    found = overlaps(predicted, true)
    ours = found.predicted, found.true, found.iou
    return all(
        np.array_equal(a, b) for a, b in zip(ours, old_overlaps(predicted, true), strict=True)
    )


def panoptic_of_torchmetrics(predicted: np.ndarray, true: np.ndarray) -> float:
    """Return the panoptic quality of all objects as one class of things."""
    from torchmetrics.functional.detection import panoptic_quality

    pair = [
        torch.from_numpy(np.stack([a > 0, a], -1).astype(np.int64))[None] for a in (predicted, true)
    ]
    return float(panoptic_quality(*pair, things={1}, stuffs={0}, return_per_class=True)[0, 0])


def ways(predicted: np.ndarray, true: np.ndarray) -> dict[str, Callable[[], object]]:
    """Return what is timed where all take part."""
    found = {
        "match, ten thresholds": partial(match, predicted, true, THRESHOLDS),
        "panoptic_counts": partial(
            panoptic_counts, *[(a, (a > 0).astype(np.int64)) for a in (predicted, true)], 1
        ),
        "torchmetrics panoptic_quality": partial(panoptic_of_torchmetrics, predicted, true),
    }
    if stardist_matching is not None:
        name = "stardist matching, ten thresholds"
        found[name] = partial(stardist_matching, true, predicted, list(THRESHOLDS))
    return found


def agree(predicted: np.ndarray, true: np.ndarray) -> str:
    """Return our scores beside those of the others."""
    ours = match(predicted, true, THRESHOLDS)
    segments = panoptic_counts(*[(a, (a > 0).astype(int)) for a in (predicted, true)], 1)
    lines = [
        f"  PQ {segments.pq[0]:.6f}, torchmetrics {panoptic_of_torchmetrics(predicted, true):.6f}"
    ]
    if stardist_matching is not None:
        theirs = stardist_matching(true, predicted, list(THRESHOLDS))
        apart = max(abs(m.ap - s.accuracy) for m, s in zip(ours, theirs, strict=True))
        lines.append(f"  AP at ten thresholds: largest difference from StarDist's {apart:.1e}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    packages = ["numba", "torchmetrics", *(["stardist"] if stardist_matching else [])]
    print(machine(*packages))
    for full, count in LARGE:
        shape, n = (tuple(s // 4 for s in full), count // 16) if args.small else (full, count)
        pair = scene(shape, n)
        print(f"{shape}, {pair[1].max():,} objects; the same pairs and IoU: {same(*pair)}")
        timed = {
            NEW: partial(overlaps, *pair),
            OLD: partial(old_overlaps, *pair),
            "match, ten thresholds": partial(match, *pair, THRESHOLDS),
            "evaluate: all scores, all match outcomes": partial(_all_of_it, *pair),
        }
        report(compare(timed, args.repeats))
    for shape, count in FEW:
        pair = scene(shape, count)
        print(f"{shape}, {pair[1].max():,} objects\n{agree(*pair)}")
        report(compare(ways(*pair), args.repeats))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"largest memory of the whole run: {most:.1f} GiB")


def _all_of_it(predicted: np.ndarray, true: np.ndarray) -> object:
    found = evaluate(predicted, true)
    return found.images, found.objects, found.summary


if __name__ == "__main__":
    main()
