"""Draw the simulated fields on which `cells-2d` is trained, into files that grow by the hundred.

python training/cells_2d_fields.py --output runs/cells-2d/fields --count 10000
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cells_2d_images import TYPICAL_PX, both_ways

from napari_tally.simulate.camera import Camera
from napari_tally.simulate.cell_clutter import CellClutter
from napari_tally.simulate.cell_layout import Epithelium, Scattered
from napari_tally.simulate.cells import APPEARANCES, CellField

if TYPE_CHECKING:
    from napari_tally.training.data.patch_sampler import Sample

SHAPE = (256, 256)
SHARD = 100  # fields a file
BLANK = 0.07  # share of the fields without cells
# Shares of the appearances, in the order of `APPEARANCES`.
SHARES = (0.14, 0.15, 0.07, 0.12, 0.06, 0.16, 0.13, 0.09, 0.06, 0.02)
# Kinds of shapes that occur together, with their share and their elongation.
MIXTURES: tuple[tuple[tuple[str, ...], float, tuple[float, float]], ...] = (
    (("blob",), 0.22, (1.0, 2.0)),
    (("blob", "blob", "dividing"), 0.10, (1.0, 1.6)),
    (("superellipse",), 0.07, (1.0, 2.2)),
    (("pair", "blob", "chain"), 0.09, (1.0, 1.3)),
    (("rod",), 0.07, (1.8, 6.0)),
    (("rod", "chain"), 0.05, (1.5, 4.0)),
    (("spindle",), 0.09, (2.5, 5.5)),
    (("spindle", "blob"), 0.08, (1.5, 4.0)),
    (("branched",), 0.07, (1.0, 1.5)),
    (("branched", "spindle", "blob"), 0.06, (1.2, 4.0)),
    (("blob", "holed"), 0.02, (1.0, 1.6)),
    (("blob", "superellipse", "rod", "spindle", "pair"), 0.08, (1.0, 3.0)),
)
Random = np.random.Generator


def some(rng: Random, chance: float, low: float, high: float) -> float:
    """Return a number from `low` to `high`, evenly in its logarithm, or (mostly) 0."""
    return log_uniform(rng, low, high) if rng.random() < chance else 0.0


def log_uniform(rng: Random, low: float, high: float) -> float:
    """Return a number from `low` to `high`, evenly in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_scattered(rng: Random) -> Scattered:
    """Return scattered, clustered or confluent cells."""
    shares = np.array([share for _, share, _ in MIXTURES])
    kinds, _, (low, high) = MIXTURES[rng.choice(len(MIXTURES), p=shares / shares.sum())]
    crowded = rng.random()
    return Scattered(
        kinds=kinds,
        diameter=TYPICAL_PX * rng.lognormal(0, 0.2),
        spread=rng.uniform(0.05, 0.4),
        elongation=rng.uniform(low, high),
        roughness=rng.uniform(0.0, 0.18),
        coverage=log_uniform(rng, 0.02, 0.3) if crowded < 0.4 else rng.uniform(0.3, 0.9),
        clustered=rng.uniform(0, 1),
        overlap=rng.uniform(0.02, 0.12) if rng.random() < 0.7 else rng.uniform(0.1, 0.35),
        gap=rng.uniform(0, 0.5),
        grown=some(rng, 0.25, 0.05, 0.6),
    )


def random_epithelium(rng: Random) -> Epithelium:
    """Return a confluent layer."""
    return Epithelium(
        diameter=TYPICAL_PX * rng.lognormal(0, 0.2),
        regular=rng.uniform(0, 0.9),
        stretch=1 + rng.exponential(0.3) if rng.random() < 0.8 else rng.uniform(2, 5),
        bend=rng.uniform(0, 0.12),
        missing=rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 0.9)]),
        wall=some(rng, 0.4, 1.0, 5.0),
    )


def random_clutter(rng: Random, blank: bool) -> CellClutter:
    """Return what is between cells: more of it where there are none."""
    more = 2.5 if blank else 1.0
    return CellClutter(
        fibres=some(rng, min(1, 0.18 * more), 1, 25),
        debris=some(rng, min(1, 0.35 * more), 1, 60),
        ghosts=some(rng, 0.12 * more, 0.5, 6),
        folds=some(rng, 0.06 * more, 0.1, 1.0),
        texture=some(rng, min(1, 0.25 * more), 0.01, 0.2),
        texture_px=log_uniform(rng, 0.7, 30),
        brightness=rng.uniform(0.1, 1.0),
    )


def random_camera(rng: Random, appearance: str) -> Camera:
    """Return a camera and its faults."""
    strong = 0.7 if appearance in ("DIC", "phase contrast", "bright field") else 0.35
    return Camera(
        uneven=some(rng, 0.35, 0.05, 0.6),
        vignette=some(rng, strong * 0.7, 0.05, 0.8),
        gradient=some(rng, 0.2, 0.05, 0.8),
        haze=some(rng, 0.25 if appearance not in ("DIC", "phase contrast") else 0.05, 0.05, 1.0),
        haze_px=log_uniform(rng, 6, 60),
        blur=log_uniform(rng, 0.3, 2.0),
        photons=some(rng, 0.75, 15, 2000),
        read_noise=some(rng, 0.75, 0.003, 0.09),
        grain=some(rng, 0.25, 0.4, 1.5),
        saturation=some(rng, 0.15, 0.002, 0.05),
        compression=some(rng, 0.25, 0.01, 0.08),
        bar=rng.random() < 0.05,
    )


def random_field(rng: Random) -> CellField:
    """Return a field of a random kind."""
    appearance = APPEARANCES[rng.choice(len(APPEARANCES), p=np.array(SHARES) / sum(SHARES))]
    blank = rng.random() < BLANK
    layers = 0.4 if appearance == "membranes" else 0.12
    layout = random_epithelium(rng) if rng.random() < layers else random_scattered(rng)
    if blank:
        layout = Scattered(coverage=0, diameter=TYPICAL_PX)
    return CellField(
        shape=SHAPE,
        layout=layout,
        appearance=appearance,
        clutter=random_clutter(rng, blank),
        marks=int(rng.integers(1, 6)) if rng.random() < 0.1 else 0,
        camera=random_camera(rng, appearance),
        seed=int(rng.integers(2**31)),
    )


def draw_shard(number: int, path: Path) -> None:
    """Draw the fields of a file."""
    images, labels = [], []
    for i in range(SHARD):
        image, ids = random_field(np.random.default_rng([number, i])).draw()
        images.append(image.astype(np.float16))
        labels.append(ids.astype(np.uint16))
    part = path.with_suffix(".part.npz")
    np.savez(part, images=np.stack(images), labels=np.stack(labels))
    part.rename(path)


def stored_fields(folder: Path, weight: float) -> list[Sample]:
    """Return the fields that are in a folder, which have `weight` together."""
    paths = sorted(p for p in folder.glob("*.npz") if ".part" not in p.name)
    found: list[Sample] = []
    for path in paths:
        with np.load(path) as kept:
            images, labels = kept["images"].astype(np.float32), kept["labels"]
        for i, (image, ids) in enumerate(zip(images, labels, strict=True)):
            found += both_ways(f"{path.stem}-{i}", image, ids, weight / (len(paths) * SHARD))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/cells-2d/fields"))
    parser.add_argument("--count", type=int, default=10_000)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    for number in range(-(-args.count // SHARD)):
        path = args.output / f"{number:04d}.npz"
        if not path.exists():
            draw_shard(number, path)


if __name__ == "__main__":
    main()
