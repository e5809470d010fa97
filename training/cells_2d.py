"""Train the shipped model `cells-2d`; see its model card for what came out.

    python training/cells_2d_fields.py --output runs/cells-2d/fields --count 10000
    python training/cells_2d.py --data DIR --output runs/cells-2d

The first command draws the simulated fields, which may go on while the second one trains on those
that are there at its start. DIR holds the real sets that `cells_2d_images.py` names. A killed run
goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from cells_2d_fields import stored_fields
from cells_2d_images import NORMALIZE, TYPICAL_PX, training_samples

from napari_tally.core.progress import Step, drain
from napari_tally.heads.flow import Flow
from napari_tally.models.bundle import load_model, save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import DynUNet
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.loop.loop import Hyperparameters, train_steps

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
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=18, typical=TYPICAL_PX, high=45),
        channels=("cells",),
    ),
    singular="cell",
    plural="cells",
    min_size=30,
)


def initial_weights(head_channels: int) -> dict[str, torch.Tensor]:
    """Return the weights of `nuclei-2d`, with new ones in the layers of its output."""
    network = OPTIONS.architecture.build()
    own = load_model("nuclei-2d").networks[0].state_dict()
    fresh = network.state_dict()
    kept = {name: own[name] for name in fresh if own[name].shape == fresh[name].shape}
    return {**fresh, **kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs/cells-2d"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=OPTIONS.steps)
    parser.add_argument(
        "--ship", type=Path, help="write the best weights as a model to this folder"
    )
    args = parser.parse_args()
    if args.ship is not None:
        weights = torch.load(args.output / "best.pt", map_location="cpu", weights_only=True)
        save_model(args.ship, INFO, OPTIONS.architecture, weights)
        card = Path(__file__).with_name("cells-2d.md").read_text("utf-8")
        (args.ship / "docs").mkdir(exist_ok=True)
        (args.ship / "docs" / "README.md").write_text(card, "utf-8")
        return
    samples = training_samples(args.data)
    samples += stored_fields(args.output / "fields", weight=SIMULATED)
    print(f"{len(samples):,} samples", flush=True)
    options = OPTIONS.model_copy(update={"steps": args.steps})
    losses: list[float] = []

    def show(step: Step) -> None:
        loss = getattr(step, "loss", None)
        if step.stage == "train" and loss is not None:
            losses.append(loss)
            if step.done % 100 == 0:
                print(f"{step.done:,}: loss {np.mean(losses[-100:]):.4f}", flush=True)

    weights = initial_weights(HEAD.channels(2))
    drain(train_steps(samples, [], options, args.output, args.device, weights), show)


if __name__ == "__main__":
    main()
