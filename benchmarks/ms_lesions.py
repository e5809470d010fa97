"""Lesions of one patient found by a model that has seen another one only, in four channels.

    python benchmarks/ms_lesions.py --data DIR/ms-lesions [--learn patient19] [--find patient26]

The model is what `tally train` makes of one volume (FLAIR, T1, T1 post contrast and T2), with
nothing told but the kind of labels. A lesion counts as found if it shares a voxel with what was
found, and what was found as true if it shares one with a lesion (26-connected, from 3 mm³ on).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cc3d
import numpy as np
from numpy.typing import NDArray
from side_by_side import machine

from napari_tally import Volume, read, segment, train
from napari_tally.files.stack_files import read_stack

CHANNELS = ("flair", "t1", "t1post", "t2")
SMALLEST = 3  # mm³, which are voxels here


def patient(data: Path, name: str) -> tuple[Volume, Volume]:
    """Return the channels of a patient as one image, and the lesions."""
    image = read_stack([data / f"{name}_{channel}.nii.gz" for channel in CHANNELS], "C")
    return image, read(data / f"{name}_lesions.nii.gz")


def lesions(mask: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return connected parts of a mask, without specks."""
    return cc3d.dust(cc3d.connected_components(mask.astype(np.uint8)), SMALLEST)


def count(parts: NDArray[np.integer], other: NDArray[np.integer]) -> tuple[int, int]:
    """Return how many parts share a voxel with the other ones, and how many there are."""
    ids = np.unique(parts[parts > 0])
    return len(np.unique(parts[(parts > 0) & (other > 0)])), len(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ms-lesions"))
    parser.add_argument("--learn", default="patient19")
    parser.add_argument("--find", default="patient26")
    parser.add_argument("--steps", type=int)
    args = parser.parse_args()
    print(machine("torch", "monai"))
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        options = {} if args.steps is None else {"steps": args.steps}
        trained = train(
            [patient(args.data, args.learn)], Path(folder) / "ms", kind="classes",
            class_names=("lesion",), **options,
        )  # fmt: skip
        minutes = (time.monotonic() - began) / 60
        print(f"learnt from {args.learn}: {trained.training.step:,} steps, {minutes:.1f} min")
        image, truth = patient(args.data, args.find)
        result = segment(image, str(trained.folder))
    assert result.classes is not None
    found = np.asarray(result.classes.array) > 0
    true = np.asarray(truth.array) > 0
    dice = 2 * np.count_nonzero(found & true) / (np.count_nonzero(found) + np.count_nonzero(true))
    hit, there = count(lesions(true), found)
    right, given = count(lesions(found), true)
    recall, precision = hit / there, right / max(1, given)
    f1 = 2 * recall * precision / max(1e-9, recall + precision)
    print(f"found in {args.find}: Dice {dice:.3f}; {hit} of {there} lesions (recall {recall:.3f})")
    print(f"  {right} of {given} found ones are lesions (precision {precision:.3f}); F1 {f1:.3f}")
    volumes = (np.count_nonzero(mask) / 1e3 for mask in (found, true))
    print("  volume {:.1f} mL, true {:.1f} mL".format(*volumes))


if __name__ == "__main__":
    main()
