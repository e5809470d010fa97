"""Train the small panoptic model with which the tests run; see its model card for what came out.

    python training/panoptic.py --output runs/panoptic --ship tests/fixtures/cells-on-tissue

Scenes are simulated: tissue with round and long cells.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from napari_tally.core.progress import Step, drain
from napari_tally.heads.panoptic import Panoptic, PanopticClass
from napari_tally.models.bundle import save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import UNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.tile_layout import Tiling
from napari_tally.simulate.mixed import CellsOnTissue
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters, Training, train_steps

NORMALIZE = Percentile(low=1, high=99)
HEAD = Panoptic(classes=[PanopticClass(name=n, kind=k) for n, k in CellsOnTissue.classes])
SCENES, HELD_OUT = 120, 12
OPTIONS = Hyperparameters(
    architecture=UNet(
        out_channels=HEAD.channels(2), channels=(12, 24, 48), strides=(2, 2), num_res_units=1
    ),
    head=HEAD,
    augmentation=Augmentation(zoom=(0.85, 1.2), share=0.1),
    patch=(128, 128),
    batch=8,
    steps=1_500,
    learning_rate=3e-3,
    warmup=50,
    ema=0.99,
    validate_every=300,
    tiling=Tiling(tile=256, halo=32),
)
INFO = ModelInfo(
    name="cells-on-tissue",
    version="1.0.0",
    description="Round and long cells on tissue, simulated: a model for tests",
    licence="BSD-3-Clause",
    head=HEAD,
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=9, typical=14, high=20),
        tiling=OPTIONS.tiling,
    ),
    singular="cell",
    plural="cells",
    min_size=12,
    colors=("#7f7f7f", "#ffb000", "#648fff"),
    data="Simulated by simulate/mixed.py",
)
CARD = """# cells-on-tissue 1.0.0

Tissue (stuff) with round and long cells (things), as `simulate/mixed.py` draws them. A small model
for tests: it knows nothing of real images. Made by `training/panoptic.py`: {steps:,} steps of
{batch} crops of 128 x 128 of simulated scenes; {parameters:,} parameters.
Panoptic quality on {held} scenes of other seeds, pooled, at the best step: {scores}.
"""


def scenes(first: int, count: int) -> list[Sample]:
    """Return scenes of the seeds from `first` on."""
    found = []
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        scene = CellsOnTissue(
            diameter=rng.uniform(11, 17), noise=rng.uniform(0.02, 0.12), count=30, seed=seed
        )
        image, objects, classes = scene.draw()
        labels = HEAD.merged(objects, classes).astype(np.int32)
        found.append(Sample(f"scene-{seed}", NORMALIZE(image[None]), labels))
    return found


def ship(run: Path, folder: Path, training: Training) -> None:
    """Write the best weights of a run, with the card, as a model."""
    weights = torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    best = next(s for s in training.scores if s["step"] == training.best_step)
    scores = {name: round(value, 3) for name, value in best.items() if name != "step"}
    save_model(folder, INFO.model_copy(update={"metrics": scores}), OPTIONS.architecture, weights)
    (folder / "docs").mkdir(exist_ok=True)
    card = CARD.format(
        steps=OPTIONS.steps,
        batch=OPTIONS.batch,
        parameters=sum(w.numel() for w in weights.values()),
        held=HELD_OUT,
        scores=", ".join(f"{name} {value}" for name, value in scores.items()),
    )
    (folder / "docs" / "README.md").write_text(card, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/panoptic"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--ship", type=Path, help="write the best weights as a model there")
    args = parser.parse_args()
    training, tuning = scenes(1000, SCENES), scenes(0, HELD_OUT)
    with Progress() as bar:
        task = bar.add_task("panoptic", total=OPTIONS.steps)

        def show(step: Step) -> None:
            if step.stage == "train":
                bar.update(task, completed=step.done, description=step.note or None)

        state = drain(train_steps(training, tuning, OPTIONS, args.output, args.device), show)
    if args.ship is not None:
        ship(args.output, args.ship, state)


if __name__ == "__main__":
    main()
