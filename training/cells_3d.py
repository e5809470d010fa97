"""Train the model `cells-3d`: cells of tissue whose membranes or walls are stained.

    python training/cells_3d.py --output runs/cells-3d

Every image is simulated: no real volume is needed, and none is used. The volumes are drawn once
and kept in the output folder; a killed run goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from command import run

from napari_tally.geometry.resample import resample_image, resample_labels
from napari_tally.heads.center import Center
from napari_tally.models.bundle import load_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import UNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.tile_layout import Tiling
from napari_tally.simulate.tissue import Tissue
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    import torch

NORMALIZE = Percentile()
HEAD = Center()
TYPICAL_PX = 20.0
SIDE = 80  # px of a simulated volume on the network's grid
VOLUMES = 160
OPTIONS = Hyperparameters(
    # As nuclei-3d, with whose weights it starts.
    architecture=UNet(
        spatial_dims=3,
        out_channels=HEAD.channels(3),
        channels=(32, 64, 128, 256),
        num_res_units=1,
    ),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.75, 1.33), zoom_share=0.2, turn_share=0.2, share=0.2, blur=(0.3, 1.5)
    ),
    patch=(48, 48, 48),
    batch=3,
    steps=3_000,
    learning_rate=2e-3,
    ema=0.998,
    validate_every=10**6,
    checkpoint_every=100,
    workers=0,
)
INFO = ModelInfo(
    name="cells-3d",
    version="1.0.0",
    description="Cells of tissue in 3D stacks in which membranes or cell walls are stained",
    licence="BSD-3-Clause",
    head=HEAD,
    group="Cells",
    images=("membrane stain", "cell wall stain"),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=14, typical=TYPICAL_PX, high=26),
        channels=("membranes",),
        tiling=Tiling(tile=160, halo=32, mirror=8),
    ),
    singular="cell",
    plural="cells",
    min_size=200,
    data="Simulated volumes alone (napari_tally.simulate)",
)


def random_tissue(rng: np.random.Generator) -> tuple[Tissue, float]:
    """Return a tissue of a random kind, and its factor along Z to the network's grid."""

    def some(share: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) * bool(rng.random() < share)

    coarse = float(np.exp(rng.uniform(0, np.log(5)))) if rng.random() < 0.7 else 1.0
    diameter = TYPICAL_PX * rng.lognormal(0, 0.15)
    return Tissue(
        shape=(round(SIDE / coarse), SIDE, SIDE),
        coarse=coarse,
        diameter=diameter,
        regular=rng.uniform(0, 0.9),
        spread=rng.uniform(0, 0.5),
        stretch=tuple(np.exp(rng.normal(0, 0.25, 3)).tolist()),
        bend=rng.uniform(0, 0.08),
        filled=1.0 if rng.random() < 0.4 else rng.uniform(0.2, 0.95),
        lost=some(0.2, 0, 0.15),
        wall=float(np.exp(rng.uniform(np.log(0.4), np.log(2.0)))),
        uneven=rng.uniform(0, 0.4),
        punctate=rng.uniform(0, 0.5),
        body=rng.uniform(0, 0.35),
        specks=some(0.25, 0.2, 1.0),
        blur=float(np.exp(rng.uniform(np.log(0.4), np.log(2.2)))),
        axial_blur=rng.uniform(1, 3),
        haze=rng.uniform(0, 1.0) ** 2,
        fading=some(0.5, 0, 0.8),
        photons=float(np.exp(rng.uniform(np.log(3), np.log(300)))),
        seed=int(rng.integers(2**31)),
    ), coarse


def random_sample(name: str, rng: np.random.Generator) -> Sample:
    """Draw a volume and bring it to the network's grid, as a run does."""
    tissue, coarse = random_tissue(rng)
    image, labels = tissue.draw()
    top = np.percentile(image, rng.uniform(97, 100))  # some images are saturated
    shape = (round(len(image) * coarse), *image.shape[1:])
    seen = resample_image(NORMALIZE(np.minimum(image, top)[None]), shape)
    return Sample(name, seen, resample_labels(labels, shape).astype(np.uint16))


def samples(data: Path, output: Path) -> list[Sample]:
    """Return simulated volumes; they are drawn once and read from the folder afterwards."""
    folder, found = output / "volumes", []
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(VOLUMES):
        path = folder / f"{i}.npz"
        if not path.exists():
            drawn = random_sample(path.stem, np.random.default_rng([0, i]))
            np.savez(path, image=drawn.image.astype(np.float16), labels=drawn.labels)
        with np.load(path) as kept:
            found.append(Sample(path.stem, kept["image"].astype(np.float32), kept["labels"]))
    return found


def initial_weights() -> dict[str, torch.Tensor]:
    """Return the weights of `nuclei-3d`."""
    return load_model("nuclei-3d").networks[0].state_dict()


if __name__ == "__main__":
    run(__doc__, INFO, OPTIONS, samples, initial_weights)
