"""Fit the limit below which a run of a model gives the low-confidence warning.

    python training/fit_noise_check.py cells-2d --data DIR [--model FOLDER] [--write]

Printed: the share of confident pixels (p > 0.9) among the candidates (p > 0.3) in training images
and in fields of noise. The limit is 0.85 times the 5th percentile of the first.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import axons_sem
import cells_2d_images as cells
import nuclei_histology
import numpy as np
import organs_ct_head_neck as organs
import retina_vessels
from object_scores import volume
from scipy.ndimage import gaussian_filter

from napari_tally import Volume, load_model, segment
from napari_tally.models.bundle import Model, save_info
from napari_tally.segmentation.setup.noise_check import NoiseCheck

MOST, EACH = 60, 6
Images = Iterator[Volume | Path]


def of_cells(data: Path) -> Images:
    """Yield some images of each set."""
    for name in cells.SHARES:
        for title, image, _ in islice(cells.training_pairs(data, name), EACH):
            yield volume(title, image)


def of_histology(data: Path) -> Images:
    """Yield the training images."""
    for name in nuclei_histology.split(data)[0]:
        yield volume(name, nuclei_histology.pair(data, name)[0])


def of_retina(data: Path) -> Images:
    """Yield the training photographs."""
    for name in retina_vessels.photographs(data, held_out=False):
        yield volume(name, retina_vessels.pair(data, name)[0])


def of_axons(data: Path) -> Images:
    """Yield the training images."""
    for name in axons_sem.images(data, held_out=False):
        yield volume(name, axons_sem.pair(data, name)[0])


def of_ct(data: Path) -> Images:
    """Yield some of the patients."""
    for name in organs.patients(data)[0][::3]:
        yield data / organs.NAME / "images" / name


IMAGES: dict[str, Callable[[Path], Images]] = {
    "cells-2d": of_cells,
    "nuclei-histology": of_histology,
    "retina-vessels": of_retina,
    "axons-sem": of_axons,
    "organs-ct-head-neck": of_ct,
}


def noise(model: Model) -> Images:
    """Yield fields of noise of several grains."""
    rng, channels = np.random.default_rng(0), len(model.info.preprocessing.channels)
    if model.spatial_dims == 3:
        return
    for grain in (0, 0.7, 1.5, 3, 6, 12):
        field = gaussian_filter(rng.standard_normal((channels, 300, 300)), (0, grain, grain))
        field = 128 + 40 * field / field.std()
        image = np.moveaxis(field, 0, -1) if channels > 1 else field[0]
        yield volume(f"noise of {grain} px", image.clip(0, 255).astype(np.uint8))


def share(image: Volume | Path, model: Model) -> float:
    """Return the share of confident pixels of an image."""
    result = segment(image, model, keep_maps=True)
    assert result.maps is not None
    check = NoiseCheck(model.spatial_dims)
    check.add(np.asarray(result.maps[0], np.float32))
    return check.share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=IMAGES)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--model", help="a model folder instead of the shipped one")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    model = load_model(args.model or args.name)
    known = [share(image, model) for image in islice(IMAGES[args.name](args.data), MOST)]
    noisy = [share(image, model) for image in noise(model)]
    limit = round(0.85 * float(np.percentile(known, 5)), 2)
    print(f"training images: {np.percentile(known, (0, 5, 50)).round(3).tolist()} (0, 5, 50 %)")
    print(f"noise: {np.round(noisy, 3).tolist()}; limit {limit}")
    if args.write:
        save_info(model.folder, model.info.model_copy(update={"least_confident": limit}))


if __name__ == "__main__":
    main()
