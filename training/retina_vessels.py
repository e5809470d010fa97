"""Train the shipped model `retina-vessels`; see its model card for what came out.

    python training/retina_vessels.py --data DIR --output runs/retina-vessels

DIR holds `retina-vessels`: fundus photographs of CHASE_DB1 (CC BY 4.0), with the vessels of the
first observer. A killed run goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command import run
from skimage.io import imread

from napari_tally.heads.semantic import Semantic
from napari_tally.models.color_range import ColorRange
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters

NAME = "retina-vessels"
HELD_OUT = ("11", "13")  # children, both eyes of each
NORMALIZE = Percentile(low=1, high=99)
HEAD = Semantic(classes=("vessel",))
OPTIONS = Hyperparameters(
    architecture=DynUNet(
        in_channels=3,
        out_channels=HEAD.channels(2),
        kernel_size=(3, 3, 3, 3, 3),
        strides=(1, 2, 2, 2, 2),
        filters=(16, 32, 64, 128, 192),
    ),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.5, 1.6), zoom_share=0.3, turn_share=0.4, warp=0.5, blur=(0.3, 1.2), share=0.25
    ),
    patch=(192, 192),
    batch=6,
    steps=3_000,
    weight_decay=0.01,
    ema=0.998,
    foreground=0.5,
    validate_every=10**6,
    checkpoint_every=100,
    workers=0,
)
# Of the training images (`ColorRange.of`), which are few: with a little more room.
COLORS = ColorRange(low=(0.18, 0.28, 0.39, 0.31), high=(0.29, 0.34, 0.52, 0.56))
INFO = ModelInfo(
    name="retina-vessels",
    version="1.0.0",
    description="Blood vessels in colour photographs of the retina",
    licence="CC-BY-4.0",
    head=HEAD,
    group="Organs and vessels",
    images=("fundus photographs",),
    preprocessing=Preprocessing(normalizer=NORMALIZE, channels=("red", "green", "blue")),
    color_range=COLORS,
    singular="vessel",
    plural="vessels",
    min_size=10,
    colors=("#d62728",),
    data="CHASE_DB1 (Fraz et al., 2012): CC BY 4.0",
)


def photographs(data: Path, *, held_out: bool) -> list[str]:
    """Return the names of the photographs for training, or of those of the held-out children."""
    names = sorted(path.stem for path in (data / NAME / "images").glob("*.jpg"))
    return [name for name in names if (name[6:8] in HELD_OUT) == held_out]


def pair(data: Path, name: str, observer: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """Return an RGB photograph, shape (Y, X, 3), with the vessels that an observer drew."""
    labels = next((data / NAME / observer).glob(f"{name}*"))
    return imread(data / NAME / "images" / f"{name}.jpg"), (imread(labels) > 0).astype(np.uint8)


def samples(data: Path, output: Path) -> list[Sample]:
    """Return the photographs for training."""
    found = []
    for name in photographs(data, held_out=False):
        image, vessels = pair(data, name)
        found.append(Sample(name, NORMALIZE(np.moveaxis(image, -1, 0)), vessels))
    return found


if __name__ == "__main__":
    run(__doc__, INFO, OPTIONS, samples)
