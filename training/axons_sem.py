"""Train the shipped model `axons-sem`; see its model card for what came out.

    python training/axons_sem.py --data DIR --output runs/axons-sem

DIR holds `axons-sem`: scanning electron microscopy of the spinal cord of rats (MIT). A killed run
goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command import run
from skimage.io import imread

from napari_tally.heads.semantic import Semantic
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Percentile
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters

NAME = "axons-sem"
HELD_OUT = ("sub-rat1", "sub-rat8")  # animals
NORMALIZE = Percentile(low=1, high=99)
HEAD = Semantic(classes=("myelin", "axon"))
OPTIONS = Hyperparameters(
    architecture=DynUNet(
        out_channels=HEAD.channels(2),
        kernel_size=(3, 3, 3, 3, 3),
        strides=(1, 2, 2, 2, 2),
        filters=(16, 32, 64, 128, 192),
    ),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.45, 2.2), zoom_share=0.6, turn_share=0.2, blur=(0.3, 1.5), share=0.25
    ),
    patch=(192, 192),
    batch=6,
    steps=2_500,
    weight_decay=0.01,
    ema=0.998,
    validate_every=10**6,
    checkpoint_every=100,
    workers=0,
)
INFO = ModelInfo(
    name="axons-sem",
    version="1.0.0",
    description="Axons and their myelin in scanning electron microscopy of nerve tissue",
    licence="BSD-3-Clause",
    head=HEAD,
    group="Electron microscopy",
    images=("SEM",),
    preprocessing=Preprocessing(normalizer=NORMALIZE, channels=("SEM",)),
    singular="axon",
    plural="axons",
    min_size=15,
    colors=("#0072b2", "#e69f00"),
    data="AxonDeepSeg SEM data (Zaimi et al., 2018): MIT",
)


def images(data: Path, *, held_out: bool) -> list[str]:
    """Return the files of the images for training, or of the held-out animals."""
    names = sorted(path.name for path in (data / NAME / "images").glob("*.png"))
    return [name for name in names if name.startswith(HELD_OUT) == held_out]


def pair(data: Path, name: str, labels: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """Return an image, shape (Y, X), with its classes or its axons (`labels_axon_instances`)."""
    return imread(data / NAME / "images" / name), imread(data / NAME / labels / name)


def samples(data: Path, output: Path) -> list[Sample]:
    """Return the images for training, which count by the root of their areas."""
    found = []
    for name in images(data, held_out=False):
        image, classes = pair(data, name)
        weight = float(np.sqrt(classes.size))
        found.append(Sample(name, NORMALIZE(image[None]), classes.astype(np.uint8), weight))
    return found


if __name__ == "__main__":
    run(__doc__, INFO, OPTIONS, samples)
