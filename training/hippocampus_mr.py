"""Train the shipped model `hippocampus-mr`, or cross-validate its recipe; see its model card.

    python training/hippocampus_mr.py --data DIR --output runs/all
    python training/hippocampus_mr.py --data DIR --output runs/fold-1 --fold 1
    python training/hippocampus_mr.py --output runs/all --ship FOLDER

DIR holds `hippocampus-mr`: task 04 of the Medical Segmentation Decathlon (CC BY-SA 4.0). The recipe
is what `tally train` plans by itself. A killed run goes on with `--resume`.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress

from napari_tally import load_model, train
from napari_tally.models.folder import save_model

if TYPE_CHECKING:
    from napari_tally.core.progress import Step

# Five folds: the 208 names in order, numpy.random.default_rng(0).permutation, cut in five.
SPLIT = Path(__file__).with_name("hippocampus-mr-split.csv")
SHIPPED = {
    "name": "hippocampus-mr",
    "version": "1.1.0",
    "description": "Anterior and posterior hippocampus in T1-weighted MR cropped around it",
    "licence": "CC-BY-SA-4.0",
    "channels": ("T1-weighted MR",),
    "min_size": 30,
    "extent": (46, 58, 43),
    "colors": ("#ffb000", "#648fff"),
    "metrics": {"Dice anterior, cross-validated": 0.0, "Dice posterior, cross-validated": 0.0},
    "data": "Medical Segmentation Decathlon, task 04 (hippocampus): CC BY-SA 4.0",
}


def names(beside: int | None = None) -> list[str]:
    """Return the names of all volumes, or of those that are not in a fold."""
    with SPLIT.open(newline="") as file:
        return [row["name"] for row in csv.DictReader(file) if row["fold"] != str(beside)]


def learn(folder: Path, output: Path, options: argparse.Namespace) -> None:
    """Make a model of all volumes, or of those that are not in a fold."""
    chosen = sorted(names(options.fold))
    pairs = [(folder / "images" / name, folder / "labels" / name) for name in chosen]
    with Progress() as bar:
        task = bar.add_task("learning", total=None)

        def show(step: Step) -> None:
            if step.stage == "train":
                bar.update(task, completed=step.done, total=step.total, description=step.note)

        train(
            pairs, output, class_names=("anterior", "posterior"), device=options.device,
            resume=options.resume, on_step=show,
        )  # fmt: skip


def ship(run: Path, folder: Path) -> None:
    """Write a model again under the shipped model's name, with the card."""
    model = load_model(run)
    info = model.info.model_copy(update=SHIPPED)
    save_model(folder, info, model.architecture, model.network.state_dict())
    card = Path(__file__).with_name("hippocampus-mr.md").read_text("utf-8")
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "README.md").write_text(card, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs/hippocampus-mr"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--ship", type=Path, help="write what was learnt as the model there")
    parser.add_argument("--fold", type=int, choices=range(5), help="leave out a fold")
    args = parser.parse_args()
    if args.ship is not None:
        ship(args.output, args.ship)
    else:
        learn(args.data / "hippocampus-mr", args.output, args)


if __name__ == "__main__":
    main()
