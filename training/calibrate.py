"""Make the coefficients of a shipped model's confidence, and write them into its metadata.

    python training/calibrate.py nuclei-2d --data DIR [--write]
    python training/calibrate.py nuclei-histology --data DIR [--write]
    python training/calibrate.py nuclei-3d [--write]

For `nuclei-2d`: the 40 images of its training split that were held out, and 120 of those it was
trained on (which it hardly fits better than new ones: see its model card), since the 40 hold few
objects that are not true ones. For `nuclei-histology`: all its training images. For `nuclei-3d`: 24
simulated stacks of seeds of their own. What is printed is cross-validated: each image is judged by
coefficients that were fitted to other images. To be run again after a model was trained and
shipped, which writes its metadata without them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import nuclei_2d
import nuclei_3d
import nuclei_histology
import numpy as np
import tifffile

from napari_tally import Volume, segment
from napari_tally.heads.confidence import Calibration, calibrated
from napari_tally.metrics.reliability import auroc, calibration_error, reliability, true_ones
from napari_tally.models.bundle import Model, load_model, save_info

TRAINED, STACKS, SEED, FOLDS = 120, 24, 500, 8
DATA = {
    "nuclei-2d": f"40 held-out and {TRAINED} training images of BBBC038 (IoU of at least 0.5)",
    "nuclei-histology": "69 training images of BBBC038 (IoU of at least 0.5)",
    "nuclei-3d": f"{STACKS} simulated stacks (IoU of at least 0.5)",
}
Pairs = Iterator[tuple[Volume, np.ndarray]]


def images(data: Path) -> Pairs:
    """Give the held-out images, then those of the training, with their labels."""
    training, held = nuclei_2d.split_names(data)
    order = np.random.default_rng(1).permutation(len(training))
    for name in [*held, *(training[i] for i in sorted(order[:TRAINED]))]:
        image, labels = (
            tifffile.imread(data / "nuclei-2d" / k / name) for k in ("images", "labels")
        )
        yield Volume(image, "YX", name=name), labels


def slides(data: Path) -> Pairs:
    """Give the training images of histology, with their labels."""
    for name in nuclei_histology.split(data)[0]:
        image, labels = nuclei_histology.pair(data, name)
        yield Volume(image, "YXC", name=name), labels.astype(np.int32)


def stacks() -> Pairs:
    """Give simulated stacks on the grid of the network."""
    for i in range(STACKS):
        sample = nuclei_3d.random_sample(f"stack-{i}", np.random.default_rng([SEED, i]))
        yield Volume(sample.image[0], "ZYX", (1, 1, 1), "um", name=sample.name), sample.labels


def looked_at(model: Model, pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each object its evidence, whether it is true, and the number of its image."""
    evidence, true, image = [], [], []
    for number, (volume, labels) in enumerate(pairs):
        result = segment(volume, model)
        evidence.append(result.evidence)
        true.append(true_ones(result.labels, labels))
        image.append(np.full(result.count, number))
    return np.concatenate(evidence), np.concatenate(true), np.concatenate(image)


def cross_validated(
    evidence: np.ndarray, true: np.ndarray, image: np.ndarray, names: tuple[str, ...]
) -> np.ndarray:
    """Return the confidence of each object by coefficients that were fitted to other images."""
    fold = np.random.default_rng(0).permutation(image.max() + 1)[image] % FOLDS
    confidence = np.zeros(len(true))
    for own in (fold == k for k in range(FOLDS)):
        confidence[own] = calibrated(evidence[~own], true[~own], names)(evidence[own])
    return confidence


def said(title: str, confidence: np.ndarray, true: np.ndarray) -> str:
    """Return the scores of a confidence as a line."""
    error = calibration_error(reliability(np.clip(confidence, 0, 1), true))
    return (
        f"{title}: {len(true):,} objects, {true.mean():.1%} true, "
        f"AUROC {auroc(confidence, true):.3f}, calibration error {error:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=sorted(DATA))
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--folder", help="a model folder instead of the shipped one")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    model = load_model(args.folder or args.model)
    sources = {"nuclei-2d": images, "nuclei-histology": slides, "nuclei-3d": lambda _: stacks()}
    pairs = sources[args.model](args.data)
    evidence, true, image = looked_at(model, pairs)
    names = model.info.head.evidence_names
    confidence = cross_validated(evidence, true, image, names)
    print(said("mean probability", evidence[:, 0], true))
    print(said("cross-validated", confidence, true))
    if args.model == "nuclei-2d":
        held = image < nuclei_2d.HELD_OUT
        print(said("... of the held-out images", confidence[held], true[held]))
    for name, feature in zip(names, evidence.T, strict=True):
        print(f"AUROC of {name} alone: {auroc(feature, true):.3f}")
    fitted: Calibration = calibrated(evidence, true, names, DATA[args.model])
    print(fitted.model_dump_json(indent=2))
    if args.write:
        save_info(model.folder, model.info.model_copy(update={"confidence": fitted}))


if __name__ == "__main__":
    main()
