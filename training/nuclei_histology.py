"""Train the shipped model `nuclei-histology`; see its model card for what came out.

    python training/nuclei_histology.py --data DIR --output runs/nuclei-histology

DIR holds `nuclei-histology`, `nuclei-brightfield`, `nuclei-2d` and `nuclei-2d-extra` (CC0; subsets
of BBBC038). The images of the last three are stained: their nuclei become hematoxylin on a
background of simulated eosin. It starts from the weights of `nuclei-2d`. A killed run goes on where
it stopped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import nuclei_2d
import numpy as np
from cells_2d_images import all_pairs, median_diameter
from command import run
from scipy.ndimage import gaussian_filter, zoom
from skimage.color import rgb_from_hed
from skimage.io import imread

from napari_tally.geometry.resample import resample_image, resample_labels, scaled_shape
from napari_tally.heads.center import Center
from napari_tally.models.bundle import load_model
from napari_tally.models.color_range import ColorRange
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters

if TYPE_CHECKING:
    import torch

NORMALIZE = Percentile()
HEAD = Center()
TYPICAL_PX = 24.0  # median diameter of the nuclei of an image in training
LARGEST_SCALE = 2.0
SHARES = {
    "nuclei-histology": 0.6,
    "nuclei-brightfield": 0.15,
    "nuclei-2d": 0.2,
    "nuclei-2d-extra": 0.05,
}
FOLDS = 5  # every fifth image of each kind of tissue is held out
OPTIONS = Hyperparameters(
    architecture=DynUNet(in_channels=3, out_channels=HEAD.channels(2)),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.5, 2.0), zoom_share=0.4, turn_share=0.3, share=0.2, blur=(0.3, 1.5), stains=0.4
    ),
    patch=(160, 160),
    steps=5_000,
    foreground=0.6,
    validate_every=10**6,
    checkpoint_every=100,
    workers=0,
)
# Of the training images (`ColorRange.of`), of optical density and brightness.
COLORS = ColorRange(low=(0.11, 0.34, 0.1, 0.68), high=(0.37, 0.63, 0.32, 0.9))
INFO = ModelInfo(
    name="nuclei-histology",
    version="1.0.0",
    description="Nuclei in histology: RGB images of tissue stained with hematoxylin and eosin",
    licence="BSD-3-Clause",
    head=HEAD,
    group="Nuclei",
    images=("H&E",),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=10, typical=TYPICAL_PX, high=40),
        channels=("red", "green", "blue"),
    ),
    color_range=COLORS,
    singular="nucleus",
    plural="nuclei",
    min_size=20,
    data="BBBC038 (Data Science Bowl 2018, stage 1): CC0",
)


def kind_of_tissue(image: np.ndarray, labels: np.ndarray) -> str:
    """Return the kind of tissue of an image, as far as stain and size of the nuclei tell it."""
    red, green, blue = np.median(image.reshape(-1, image.shape[-1])[:, :3], axis=0)
    if red > blue + 20:
        return "pink"
    if min(red, green, blue) > 180:
        return "smear"
    return "large" if median_diameter(labels) > 26 else "small"


def split(data: Path) -> tuple[list[str], list[str]]:
    """Return the images for training, and those that are held out: a fifth of each kind."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in sorted(p.name for p in (data / "nuclei-histology" / "images").glob("*.tif")):
        image, labels = pair(data, name)
        kinds[kind_of_tissue(image, labels)].append(name)
    held = {name for names in kinds.values() for name in names[FOLDS // 2 :: FOLDS]}
    everything = [name for names in kinds.values() for name in names]
    return [n for n in everything if n not in held], sorted(held)


def pair(data: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return an RGB image of histology with its labels."""
    folder = data / "nuclei-histology"
    return imread(folder / "images" / name)[..., :3], imread(folder / "labels" / name)


@dataclass(frozen=True)
class Stored(Sample):
    """A sample kept in half precision."""

    def around(self, place: tuple[int, ...], window: tuple[int, ...]) -> Sample:
        part = super().around(place, window)
        return replace(part, image=part.image.astype(np.float32))


def sample(name: str, image: np.ndarray, labels: np.ndarray, weight: float) -> Stored:
    """Return an RGB image, shape (Y, X, 3), with nuclei of the typical size."""
    diameter = median_diameter(labels)
    scale = min(TYPICAL_PX / diameter, LARGEST_SCALE) if diameter else 1.0
    shape = scaled_shape(labels.shape, scale)
    moved = np.moveaxis(image, -1, 0).astype(np.float32)
    seen = NORMALIZE(resample_image(moved, shape)).astype(np.float16)
    return Stored(name, seen, resample_labels(labels, shape), weight)


def stained(nuclei: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an RGB image of bright nuclei, shape (Y, X), as if stained with H&E."""
    low, high = np.percentile(nuclei, (5, 99.5))
    amount = np.clip((nuclei.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1.2)
    amount = amount ** rng.uniform(0.5, 1.0)
    shape = amount.shape
    tissue = sum(texture(shape, rng, size) for size in (4, 12, 40)) / 3
    fibres = gaussian_filter(rng.standard_normal(shape), rng.permutation([1.0, 8.0]))
    tissue += 0.3 * fibres / fibres.std() * rng.random()
    eosin = rng.uniform(0.05, 0.9) * np.clip(0.5 + 0.35 * tissue, 0, None)
    gaps = texture(shape, rng, 30) > rng.uniform(0.8, 3)
    eosin = eosin * (1 - gaps) * (1 - 0.5 * np.clip(amount, 0, 1))
    chromatin = 1 + 0.25 * texture(shape, rng, 1.5) * rng.random()
    hematoxylin = rng.uniform(0.5, 1.4) * amount * chromatin + rng.uniform(0, 0.15) * eosin
    stains = np.stack([hematoxylin, eosin, np.zeros(shape)], -1)
    density = stains @ (rgb_from_hed + rng.uniform(-0.08, 0.08, (3, 3)))
    return (255 * np.exp(-np.clip(density, 0, None))).clip(0, 255).astype(np.uint8)


def texture(shape: tuple[int, ...], rng: np.random.Generator, size: float) -> np.ndarray:
    """Return smooth noise of mean 0 and standard deviation 1."""
    coarse = rng.standard_normal([int(n / size) + 3 for n in shape])
    fine = zoom(
        coarse, [n / (c - 1) * 1.02 for n, c in zip(shape, coarse.shape, strict=True)], order=1
    )
    cut = fine[: shape[0], : shape[1]]
    return cut / cut.std()


def training_samples(data: Path) -> list[Sample]:
    """Return the images of the training set, each set with its share."""
    names, found = split(data)[0], []
    for name in names:
        weight = SHARES["nuclei-histology"] / len(names)
        found.append(sample(name, *pair(data, name), weight))
    rng = np.random.default_rng(0)
    for folder in list(SHARES)[1:]:
        pairs = list(all_pairs(data, folder))
        if folder == "nuclei-2d":
            chosen = {Path(n).stem for n in nuclei_2d.split_names(data)[0]}
            pairs = [p for p in pairs if p[0] in chosen]
        for title, image, labels in pairs:
            if image.ndim != 2 or not labels.any():
                continue
            bright = (
                255.0 * (image.max() - image.astype(np.float32))
                if folder == "nuclei-brightfield"
                else image
            )
            weight = SHARES[folder] / len(pairs)
            found.append(sample(title, stained(bright, rng), labels, weight))
    return found


def initial_weights() -> dict[str, torch.Tensor]:
    """Return the weights of `nuclei-2d`, of which the first layer sees the negative of a colour."""
    own = load_model("nuclei-2d").networks[0].state_dict()
    fresh = OPTIONS.architecture.build().state_dict()
    for name, weights in fresh.items():
        old = own[name]
        fresh[name] = old if old.shape == weights.shape else -old.repeat(1, 3, 1, 1) / 3
    return fresh


if __name__ == "__main__":
    run(__doc__, INFO, OPTIONS, lambda data, output: training_samples(data), initial_weights)
