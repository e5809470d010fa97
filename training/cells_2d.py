"""Train the shipped model `cells-2d`; see its model card for what came out.

    python training/cells_2d_fields.py --output runs/cells-2d/fields --count 10000
    python training/cells_2d.py --data DIR --output runs/cells-2d

The first command draws the simulated fields, which may go on while the second one trains on those
that are there at its start. DIR holds the real sets that `cells_2d_images.py` names. A killed run
goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cells_2d_fields import stored_fields
from cells_2d_images import NORMALIZE, TYPICAL_PX, training_samples
from command import run

from napari_tally.heads.flow import Flow
from napari_tally.models.bundle import load_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.loop.loop import Hyperparameters

if TYPE_CHECKING:
    import torch

    from napari_tally.training.data.patch_sampler import Sample

SIMULATED = 0.6  # share of the patches
HEAD = Flow()
OPTIONS = Hyperparameters(
    architecture=DynUNet(out_channels=HEAD.channels(2)),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.5, 2.0), zoom_share=0.5, turn_share=0.2, share=0.15, blur=(0.3, 1.2)
    ),
    patch=(160, 160),
    steps=10_000,
    validate_every=10**6,
    checkpoint_every=100,
    workers=0,
)
INFO = ModelInfo(
    name="cells-2d",
    version="1.0.0",
    description="Cells and similar objects in 2D images of any microscope: one channel",
    licence="BSD-3-Clause",
    head=HEAD,
    group="Cells",
    images=(
        "fluorescence",
        "phase contrast",
        "DIC",
        "bright field",
        "quantitative phase",
        "stained smears",
    ),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=18, typical=TYPICAL_PX, high=45),
        channels=("cells",),
    ),
    singular="cell",
    plural="cells",
    min_size=30,
)


def initial_weights() -> dict[str, torch.Tensor]:
    """Return the weights of `nuclei-2d`, with new ones in the layers of its output."""
    network = OPTIONS.architecture.build()
    own = load_model("nuclei-2d").networks[0].state_dict()
    fresh = network.state_dict()
    kept = {name: own[name] for name in fresh if own[name].shape == fresh[name].shape}
    return {**fresh, **kept}


def samples(data: Path, output: Path) -> list[Sample]:
    """Return the real images and the simulated fields."""
    return training_samples(data) + stored_fields(output / "fields", weight=SIMULATED)


if __name__ == "__main__":
    run(__doc__, INFO, OPTIONS, samples, initial_weights)
