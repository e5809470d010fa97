"""Train the shipped model `nuclei-3d`; see its model card for what came out.

    python training/nuclei_3d.py --output runs/nuclei-3d

Every image is simulated: no real volume is needed, and none is used. The volumes are drawn once
and kept in the output folder; a killed run goes on where it stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from napari_tally.core.progress import Step, drain
from napari_tally.geometry.resample import resample_image, resample_labels
from napari_tally.heads.center import Center
from napari_tally.models.bundle import save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import UNet
from napari_tally.network.normalize import Percentile
from napari_tally.network.tile_layout import Tiling
from napari_tally.simulate.clutter import Clutter
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Sample
from napari_tally.training.loop.loop import Hyperparameters, train_steps

NORMALIZE = Percentile()
HEAD = Center()
TYPICAL_PX = 15.0
SHAPE = (72, 96, 96)  # of a simulated volume on the network's grid
OUTSIDE_PX = 8  # drawn beyond the volume's first and last slice: nuclei there are seen as haze
TRAINING, BLANK, VALIDATION = 150, 6, 8
OPTIONS = Hyperparameters(
    # Its first convolution has a stride of 2: in 3D the finest level is most of the cost.
    architecture=UNet(
        spatial_dims=3,
        out_channels=HEAD.channels(3),
        channels=(32, 64, 128, 256),
        num_res_units=1,
    ),
    head=HEAD,
    augmentation=Augmentation(
        zoom=(0.75, 1.33), zoom_share=0.2, turn_share=0.2, share=0.15, blur=(0.3, 1.0)
    ),
    patch=(40, 40, 40),
    batch=4,
    steps=4_000,
    learning_rate=2e-3,
    ema=0.998,
    validate_every=1_000,
    checkpoint_every=200,
)

INFO = ModelInfo(
    name="nuclei-3d",
    version="1.0.0",
    description="Nuclei in 3D fluorescence stacks: bright on dark, one channel",
    licence="BSD-3-Clause",
    # Chosen on simulated volumes, `worm` and `embryo8`: people leave out what is dim.
    head=HEAD.model_copy(update={"threshold": 0.6, "mean_probability": 0.86}),
    group="Nuclei",
    images=("fluorescence",),
    preprocessing=Preprocessing(
        normalizer=NORMALIZE,
        diameter=DiameterRange(low=11, typical=17, high=21),
        channels=("nuclei",),
        tiling=Tiling(tile=160, halo=24, mirror=8),
    ),
    singular="nucleus",
    plural="nuclei",
    min_size=120,
    metrics={"AP50 ovule_1135": 0.722, "AP50 worm": 0.893, "AP50 embryo8": 0.889},
    data="Simulated volumes alone (napari_tally.simulate)",
)


def random_field(rng: np.random.Generator) -> tuple[NucleiField, float]:
    """Return a field of nuclei of a random kind, and its factor along Z to the network's grid."""
    diameter = TYPICAL_PX * rng.uniform(0.8, 1.25)
    coarse = float(np.exp(rng.uniform(0, np.log(6)))) if rng.random() < 0.7 else 1.0
    # Calibrations are wrong and microscopes stretch what they show: balls need not look round.
    factor = max(1.0, coarse * float(np.clip(np.exp(rng.normal(0, 0.3)), 0.5, 2.2)))
    room = SHAPE[0] * SHAPE[1] * SHAPE[2] / diameter**3
    filled = rng.uniform(0.35, 0.9) if rng.random() < 0.6 else rng.uniform(0.05, 0.4)
    haze = rng.uniform(0, 1.3) ** 2
    z = round((SHAPE[0] + 2 * OUTSIDE_PX) / factor)
    field = NucleiField(
        shape=(z, *SHAPE[1:]),
        spacing_um=(coarse, 1, 1),
        diameter_um=diameter,
        diameter_spread=rng.uniform(0.05, 0.25),
        count=round(room * filled),
        touching=rng.uniform(0.3, 1),
        elongation=rng.uniform(1, 2),
        bend=rng.uniform(0, 0.12) * (rng.random() < 0.7),
        brightness_spread=rng.uniform(0.1, 0.5),
        texture=rng.uniform(0, 1),
        blur_um=diameter * rng.uniform(0.02, 0.07),
        axial_blur=rng.uniform(1, 3),
        haze=haze,
        generous=1.0,
        # As few as can be: under much haze more are needed to see anything at all.
        photons=float(np.exp(rng.uniform(np.log(2), np.log(100)))) * (1 + haze) ** 2,
        clutter=random_clutter(rng),
        seed=int(rng.integers(2**31)),
    )
    return field, factor


def random_clutter(rng: np.random.Generator) -> Clutter:
    """Return a random mixture of what is not a nucleus; each kind in a third of the volumes."""

    def some(low: float, high: float) -> float:
        return float(rng.uniform(low, high)) * bool(rng.random() < 0.35)

    return Clutter(
        walls=some(0.2, 1.5),
        cytoplasm=some(0.1, 0.6),
        specks=some(0.1, 1.0),
        speck_brightness=rng.uniform(0.2, 3),
        fog=some(0.2, 1.0),
        fading=some(0.2, 1.5),
    )


def random_sample(name: str, rng: np.random.Generator, *, blank: bool = False) -> Sample:
    """Draw a volume and bring it to the network's grid, as a run does."""
    field, factor = random_field(rng)
    image, labels = field.model_copy(update={"count": 0} if blank else {}).draw()
    shape = (max(SHAPE[0] // 2, round(len(image) * factor)), *SHAPE[1:])
    beyond = min(OUTSIDE_PX, (shape[0] - SHAPE[0] // 2) // 2)
    inner = slice(round(beyond / factor), len(image) - round(beyond / factor))
    shape = (round((inner.stop - inner.start) * factor), *shape[1:])
    seen = resample_image(NORMALIZE(image[None, inner]), shape)
    return Sample(name, seen, resample_labels(labels[inner], shape).astype(np.uint16))


def samples(kind: str, count: int, seed: int, folder: Path) -> list[Sample]:
    """Return simulated volumes; they are drawn once and read from the folder afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for i in range(count):
        path = folder / f"{kind}-{i}.npz"
        if not path.exists():
            drawn = random_sample(
                path.stem, np.random.default_rng([seed, i]), blank=kind == "blank"
            )
            np.savez(path, image=drawn.image.astype(np.float16), labels=drawn.labels)
        with np.load(path) as kept:
            found.append(Sample(path.stem, kept["image"].astype(np.float32), kept["labels"]))
    return found


def read(path: Path) -> dict[str, torch.Tensor]:
    """Read weights."""
    return torch.load(path, map_location="cpu", weights_only=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/nuclei-3d"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=OPTIONS.steps)
    parser.add_argument("--learning-rate", type=float, default=OPTIONS.learning_rate)
    parser.add_argument("--weights", type=Path, help="weights to start from")
    parser.add_argument(
        "--ship", type=Path, help="write the best weights as a model to this folder"
    )
    args = parser.parse_args()
    if args.ship is not None:
        save_model(args.ship, INFO, OPTIONS.architecture, read(args.output / "best.pt"))
        card = Path(__file__).with_name("nuclei-3d.md").read_text("utf-8")
        (args.ship / "docs").mkdir(exist_ok=True)
        (args.ship / "docs" / "README.md").write_text(card, "utf-8")
        return
    volumes = args.output / "volumes"
    training = samples("field", TRAINING, 0, volumes) + samples("blank", BLANK, 1, volumes)
    validation = samples("validation", VALIDATION, 2, volumes)
    changes = {"steps": args.steps, "learning_rate": args.learning_rate}
    options, folder = OPTIONS.model_copy(update=changes), args.output
    weights = None if args.weights is None else read(args.weights)
    with Progress() as bar:
        task = bar.add_task("train", total=options.steps)

        def show(step: Step) -> None:
            if step.stage == "train":
                bar.update(task, completed=step.done, description=step.note or None)

        drain(train_steps(training, validation, options, folder, args.device, weights), show)


if __name__ == "__main__":
    main()
