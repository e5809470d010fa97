"""Train the shipped model `organs-ct-head-neck`; see its model card for what came out.

    python training/organs_ct_head_neck.py --data DIR --output runs/organs-ct-head-neck

DIR holds `ct-head-neck`: planning CT of OpenKBP patients (MIT), stored as HU + 1000. Larynx and
oesophagus are not contoured in every patient: where one is missing, the middle of the neck is
unknown, not background. A killed run goes on where it stopped. A second run follows:

    python training/organs_ct_head_neck.py --data DIR --output runs/second \
        --start runs/organs-ct-head-neck/best.pt --steps 1400 --rate 8e-4 --seed 1
"""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from command import run
from numpy.typing import NDArray

from napari_tally.geometry.resample import resample_image, resample_labels
from napari_tally.heads.semantic import Semantic
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.network.normalize import Hounsfield
from napari_tally.network.sliding_windows import Sliding
from napari_tally.network.tile_layout import Tiling
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters

NAME = "ct-head-neck"
ORGANS = (
    "brainstem",
    "spinal cord",
    "right parotid",
    "left parotid",
    "oesophagus",
    "larynx",
    "mandible",
)
CORD, RIGHT_PAROTID, LEFT_PAROTID, MANDIBLE = 2, 3, 4, 7
SOMETIMES = (5, 6)  # contoured in some patients only
FOLDS = 5  # every fifth patient is held out
ORIENTATION = "RAS"
SPACING = (3.0, 4.0, 4.0)  # mm
NORMALIZE = Hounsfield(low=-200, high=500, clip=True)
HEAD = Semantic(classes=ORGANS, largest=tuple(range(1, len(ORGANS) + 1)))
WINDOW = (64, 48, 48)  # of training, too: instance norm takes its statistics from a window
TILING = Tiling(exact=True, sliding=Sliding(roi=WINDOW, overlap=(0.5,), blend="gaussian"))
OPTIONS = Hyperparameters(
    architecture=DynUNet(
        spatial_dims=3,
        out_channels=HEAD.channels(3),
        kernel_size=(3, 3, 3, 3, 3),
        strides=(1, 2, 2, 2, 2),
        filters=(16, 32, 64, 128, 192),
        norm_name="instance",
        deep_supervision=True,
        deep_supr_num=2,
    ),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.8, 1.25),
        zoom_share=0.2,
        turn_share=0.4,
        angle=0.25,
        shift=0.06,
        warp=0.5,
        mirrored=(),
        right_angles=False,
        gamma=(0.8, 1.25),
        blur=(0.25, 0.8),
        noise=0.03,
        background=0.05,
        share=0.15,
    ),
    patch=WINDOW,
    batch=2,
    steps=2_000,
    learning_rate=1e-3,
    weight_decay=0.03,
    warmup=100,
    ema=0.998,
    foreground=0.5,
    validate_every=10**6,
    checkpoint_every=100,
    workers=0,
    tiling=TILING,
)
INFO = ModelInfo(
    name="organs-ct-head-neck",
    version="1.0.0",
    description="Seven organs at risk in CT of the head and neck",
    licence="BSD-3-Clause",
    head=HEAD,
    group="Organs and vessels",
    images=("CT",),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        channels=("CT",),
        spacing=SPACING,
        spacing_unit="mm",
        orientation=ORIENTATION,
        tiling=TILING,
    ),
    singular="organ",
    plural="organs",
    min_size=10,
    colors=("#e69f00", "#f0e442", "#56b4e9", "#0072b2", "#cc79a7", "#009e73", "#d55e00"),
    data="OpenKBP (Babier et al., 2021): MIT",
)


def patients(data: Path) -> tuple[list[str], list[str]]:
    """Return the files for training, and those that are held out."""
    names = sorted(path.name for path in (data / NAME / "images").glob("*.nii.gz"))
    held = names[FOLDS // 2 :: FOLDS]
    return [name for name in names if name not in held], held


def load(data: Path, name: str) -> list[Sample]:
    """Return a patient on the network's grid, axes Z, Y, X, and its mirror image."""
    image, spacing = _array(data / NAME / "images" / name)
    labels = _array(data / NAME / "labels" / name)[0].astype(np.uint8)
    shape = tuple(round(n * s / t) for n, s, t in zip(image.shape, spacing, SPACING, strict=True))
    seen = resample_image(NORMALIZE(image[None]), shape)
    ids = resample_labels(labels, shape)
    box = _body(seen[0])
    seen, ids = seen[(slice(None), *box)], ids[box]
    known = annotated(ids)
    swapped = np.arange(len(ORGANS) + 1, dtype=ids.dtype)
    swapped[[RIGHT_PAROTID, LEFT_PAROTID]] = LEFT_PAROTID, RIGHT_PAROTID
    flipped = [None if known is None else known[..., ::-1].copy(), seen[..., ::-1].copy()]
    return [
        Sample(name, seen, ids, known=known),
        Sample(f"{name}, mirrored", flipped[1], swapped[ids[..., ::-1]], known=flipped[0]),
    ]


def annotated(ids: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """Return where labels, axes Z, Y, X (RAS), are complete; None for everywhere.

    Without the contour of the larynx or the oesophagus, background is unknown in front of the
    spinal cord, up to 36 mm to either side, below the middle of the mandible.
    """
    if all((ids == organ).any() for organ in SOMETIMES):
        return None
    bottom = int(np.argwhere(ids == MANDIBLE)[:, 0].mean())
    _, y, x = np.argwhere(ids == CORD).mean(0)
    side = round(36 / SPACING[2])
    known = np.ones(ids.shape, bool)
    known[:bottom, int(y) :, max(0, int(x) - side) : int(x) + side] = False
    return known | (ids > 0)


def _body(image: NDArray[np.float32]) -> tuple[slice, ...]:
    """Return the box around what is not air, and some of the air, which has to be learnt, too."""
    found = []
    for axis in range(3):
        rest = tuple(a for a in range(3) if a != axis)
        inside = np.flatnonzero((image > 0.1).mean(rest) > 1e-3)
        margin = WINDOW[axis] // 2
        found.append(slice(max(0, int(inside[0]) - margin), int(inside[-1]) + 1 + margin))
    return tuple(found)


def _array(path: Path) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    """Return the array of a file, shape (Z, Y, X), to the right, front and top, and its spacing."""
    file = nibabel.as_closest_canonical(nibabel.load(path))
    return np.asarray(file.dataobj).T, tuple(map(float, file.header.get_zooms()[::-1]))


def samples(data: Path, output: Path) -> list[Sample]:
    """Return the patients for training."""
    return [sample for name in patients(data)[0] for sample in load(data, name)]


if __name__ == "__main__":
    run(__doc__, INFO, OPTIONS, samples)
