"""Dice of the models of classes on the images that were held out of their training.

    python training/class_scores.py organs-ct-head-neck --data DIR [--model FOLDER] [--reoriented]

Dice is the mean over images; a class that is not in the ground truth of an image does not count
there. `axons-sem` is also scored by its objects, the connected components of the class axon, and
`retina-vessels` beside the second observer. `--reoriented` turns each CT volume to another
orientation first, and counts in how many of them both parotids are on their own side.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import axons_sem
import nibabel
import numpy as np
import organs_ct_head_neck as organs
import retina_vessels
from skimage.measure import label

from napari_tally import Volume, load_model, read, segment
from napari_tally.metrics.match import match

ORIENTATIONS = ("RAS", "LPS", "PIR", "ASR", "IPL", "SAR", "LIA", "RPI", "AIL", "PSL")


@dataclass(frozen=True)
class Case:
    """An image with its classes, and those of a second observer or the objects of a class."""

    image: Volume | Path
    classes: np.ndarray
    second: np.ndarray | None = None
    objects: np.ndarray | None = None


def ct(data: Path) -> Iterator[Case]:
    """Yield the held-out patients."""
    for name in organs.patients(data)[1]:
        folder = data / organs.NAME
        yield Case(folder / "images" / name, np.asarray(read(folder / "labels" / name).array))


def fundus(data: Path) -> Iterator[Case]:
    """Yield the photographs of the held-out children."""
    for name in retina_vessels.photographs(data, held_out=True):
        image, first = retina_vessels.pair(data, name)
        _, second = retina_vessels.pair(data, name, "labels_second_observer")
        yield Case(Volume(image, "YXC", name=name), first, second=second)


def sem(data: Path) -> Iterator[Case]:
    """Yield the images of the held-out animals."""
    for name in axons_sem.images(data, held_out=True):
        image, classes = axons_sem.pair(data, name)
        _, axons = axons_sem.pair(data, name, "labels_axon_instances")
        yield Case(Volume(image, "YX", name=name), classes, objects=axons)


CASES: dict[str, Callable[[Path], Iterator[Case]]] = {
    "organs-ct-head-neck": ct,
    "retina-vessels": fundus,
    "axons-sem": sem,
}


def dice(found: np.ndarray, truth: np.ndarray, count: int) -> list[float]:
    """Return the Dice of each class, NaN for those that the ground truth lacks."""
    scores = []
    for number in range(1, count + 1):
        one, other = found == number, truth == number
        both = 2 * (one & other).sum() / max(1, one.sum() + other.sum())
        scores.append(float(both) if other.any() else np.nan)
    return scores


def show(data: Path, name: str, model: str) -> None:
    """Print the scores of a model."""
    bundle = load_model(model)
    classes = bundle.info.head.classes
    rows, people, f1 = [], [], []
    for case in CASES[name](data):
        found = np.asarray(segment(case.image, bundle).classes.array)
        rows.append(dice(found, case.classes, len(classes)))
        if case.second is not None:
            people.append(dice(case.second, case.classes, 1))
        if case.objects is not None:
            axons = label(found == classes.index("axon") + 1).astype(np.int32)
            f1.append(match(axons, case.objects.astype(np.int32))[0].f1)
    for number, title in enumerate(classes):
        own = np.array(rows)[:, number]
        print(
            f"{title:14} Dice {np.nanmean(own):.3f}, lowest {np.nanmin(own):.3f} "
            f"({np.isfinite(own).sum()} images)"
        )
    if people:
        print(f"second observer beside the first: Dice {np.mean(people):.3f}")
    if f1:
        print(f"axons as objects: F1 at IoU 0.5 {np.mean(f1):.3f}, each {np.round(f1, 3).tolist()}")
    if name == "organs-ct-head-neck":
        always = [i for i in range(len(classes)) if i + 1 not in organs.SOMETIMES]
        five = np.nanmean(np.array(rows)[:, always])
        print(f"mean of the five that are always contoured: {five:.3f}")


def show_sides(data: Path, model: str) -> None:
    """Print in how many reoriented volumes both parotids are on their own side."""
    bundle, right = load_model(model), 0
    with tempfile.TemporaryDirectory() as folder:
        for case, codes in zip(ct(data), ORIENTATIONS, strict=False):
            assert isinstance(case.image, Path)
            path = Path(folder) / case.image.name
            image = nibabel.load(case.image)
            turned = _turned(image, codes)
            nibabel.save(turned, path)
            found = np.asarray(segment(path, bundle).classes.array)
            labels = nibabel.load(case.image.parents[1] / "labels" / case.image.name)
            truth = np.asarray(_turned(labels, codes).dataobj).T
            own = dice(found, truth, organs.LEFT_PAROTID)[-2:]
            swapped = np.where(truth == organs.LEFT_PAROTID, organs.RIGHT_PAROTID, 0)
            other = dice(found, swapped, organs.RIGHT_PAROTID)[-1]
            right += min(own) > 0.3 and other < 0.05
            print(f"{case.image.name} as {codes}: right {own[0]:.3f}, left {own[1]:.3f}")
    print(f"both parotids on their own side in {right} volumes")


def _turned(image: nibabel.Nifti1Image, codes: str) -> nibabel.Nifti1Image:
    start = nibabel.io_orientation(image.affine)
    change = nibabel.orientations.ornt_transform(start, nibabel.orientations.axcodes2ornt(codes))
    return image.as_reoriented(change)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CASES)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--model", help="a model folder instead of the shipped one")
    parser.add_argument("--reoriented", action="store_true")
    args = parser.parse_args()
    if args.reoriented:
        show_sides(args.data, args.model or args.name)
    else:
        show(args.data, args.name, args.model or args.name)


if __name__ == "__main__":
    main()
