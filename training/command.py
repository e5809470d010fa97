"""The command of a training recipe: train a model, or write its weights as a shipped model."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_tally.core.progress import Step, drain
from napari_tally.models.bundle import save_model
from napari_tally.training.loop.loop import Hyperparameters, train_steps

if TYPE_CHECKING:
    from napari_tally.models.model_info import ModelInfo
    from napari_tally.training.data.patch_sampler import Sample


def run(
    text: str | None,
    info: ModelInfo,
    options: Hyperparameters,
    samples: Callable[[Path, Path], list[Sample]],
    initial_weights: Callable[[], dict[str, torch.Tensor]] | None = None,
) -> None:
    """Read the command line and do it; `samples` takes the folders of the data and the output.

    A killed run goes on where it stopped.
    """
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("TALLY_DATA", "../shared/data"))
    )
    parser.add_argument("--output", type=Path, default=Path("runs") / info.name)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=options.steps)
    parser.add_argument("--rate", type=float, default=options.learning_rate)
    parser.add_argument("--seed", type=int, default=options.seed)
    parser.add_argument("--start", type=Path, help="weights (.pt) of an earlier run to begin with")
    parser.add_argument("--ship", type=Path, help="write the weights as a model to this folder")
    args = parser.parse_args()
    if args.ship is not None:
        ship(args.output, args.ship, info, options)
        return
    chosen = {"steps": args.steps, "learning_rate": args.rate, "seed": args.seed}
    found = samples(args.data, args.output)
    print(f"{len(found):,} samples", flush=True)
    weights = _read(args.start) if args.start else initial_weights and initial_weights()
    steps = train_steps(
        found, [], options.model_copy(update=chosen), args.output, args.device, weights
    )
    drain(steps, show_loss())


def ship(output: Path, folder: Path, info: ModelInfo, options: Hyperparameters) -> None:
    """Write the weights of a finished run as a model, with the card beside its recipe."""
    save_model(folder, info, options.architecture, _read(output / "best.pt"))
    card = Path(__file__).with_name(f"{info.name}.md")
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "README.md").write_text(card.read_text("utf-8"), "utf-8")


def show_loss() -> Callable[[Step], None]:
    """Return what prints the mean loss of each hundred steps."""
    losses: list[float] = []

    def show(step: Step) -> None:
        loss = getattr(step, "loss", None)
        if step.stage == "train" and loss is not None:
            losses.append(loss)
            if step.done % 100 == 0:
                print(f"{step.done:,}: loss {np.mean(losses[-100:]):.4f}", flush=True)

    return show


def _read(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)
