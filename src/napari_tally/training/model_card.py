"""Writes a trained model: the bundle with its model card, curves and a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.atomic import replacing_all
from ..core.volume import Volume
from ..figures.overlay import overlay
from ..figures.training_curves import Curve, write_curves
from ..files import write
from ..files.run_record import read_record, versions
from ..models.copy_bundle import check_target

if TYPE_CHECKING:
    from ..heads.base import Head
    from ..models.model_info import ModelInfo
    from .data.data_split import Split
    from .data.sample import Sample
    from .loop.history import Training
    from .plan.mask_plan import MaskPlan
    from .plan.plan import Plan

    Save = Callable[[Path, ModelInfo], None]

CARD, CURVES, PICTURE, RECORD = "README.md", "curves.png", "sample.png", "training.json"
BY_USER = "stopped by the user"
_SMOOTH = 25  # steps over which the noisy loss is averaged


@dataclass(frozen=True, eq=False)
class Made:
    """The contents of a model folder.

    Attributes
    ----------
    save : callable
        Writes the network and the description into a folder.
    picture : ndarray, optional
        Prediction beside ground truth, shape (Y, X, 3).
    test : dict
        Scores on the test images, used neither for training nor for choosing weights.
    """

    info: ModelInfo
    plan: Plan | MaskPlan
    split: Split
    training: Training
    save: Save
    picture: NDArray[np.uint8] | None = None
    picture_name: str = ""
    test: Mapping[str, float] | None = None


def write_model(made: Made, target: Path, *, overwrite: bool = False) -> None:
    """Write a model as a folder, whole or not at all.

    Raises
    ------
    OutputExistsError
        If the folder exists and is not to be overwritten.
    FileError
        If it cannot be written.
    """
    check_target(target, overwrite=overwrite)
    with replacing_all(target) as folder:
        made.save(folder, made.info)
        docs = folder / "docs"
        docs.mkdir()
        (docs / CARD).write_text(card(made), "utf-8")
        write_curves(_curves(made.training), docs / CURVES)
        if made.picture is not None:
            write(Volume(made.picture, "YXC"), docs / PICTURE)
        (docs / RECORD).write_text(json.dumps(_record(made), indent=2) + "\n", "utf-8")


def is_finished(folder: Path) -> bool:
    """Return whether a model is of a training that was not stopped by the user."""
    record = read_record(folder / "docs" / RECORD) or {}
    return record.get("stopped_by_user") is False


def _record(made: Made) -> dict[str, object]:
    return {
        "plan": made.plan.model_dump(mode="json"),
        "split": made.split.model_dump(mode="json"),
        "scores": made.training.scores,
        "stopped_by_user": made.training.stopped == BY_USER,
        "versions": versions(),
    }


def card(made: Made) -> str:
    """Return the model card, as Markdown."""
    info, training = made.info, made.training
    n = len(made.split.training)
    lines = [
        f"# {info.name} {info.version}",
        "",
        f"{info.description}. Made by `tally train` on {datetime.now(UTC):%Y-%m-%d}.",
        f"Licence: {info.licence}.",
        "",
        "## Data",
        "",
        (
            f"{info.data or 'Not described'}: {n} training image{'s' * (n != 1)}, "
            f"{len(made.split.validation)} for validation, {len(made.split.test)} for testing."
        ),
        f"Their names are in `docs/{RECORD}`; the split was drawn with the seed {made.split.seed}.",
        *filter(None, [made.split.note]),
        "",
        "## Hyperparameters",
        "",
        *(f"- {line}" for line in made.plan.lines()),
        f"- {_course(training)}",
        "",
        "## Scores",
        "",
        *_scores(made),
        "",
        f"![Loss and scores]({CURVES})",
    ]
    if made.picture is not None:
        lines += ["", f"![Prediction (left) and ground truth (right)]({PICTURE})", ""]
        lines += [f"Prediction (left) and ground truth (right): {made.picture_name}."]
    return "\n".join(lines) + "\n"


def _course(training: Training) -> str:
    """Return the steps, the time and problems of the training."""
    parts = [f"{training.step:,} steps in {(training.seconds + training.waited) / 60:.1f} minutes"]
    parts += [f"{training.waiting:.0%} of the time spent waiting for data"]
    if training.bad_steps:
        parts += [f"{training.bad_steps} steps with a loss that was NaN or infinite"]
    return "; ".join(parts + [training.stopped] * bool(training.stopped))


def _scores(made: Made) -> list[str]:
    validation = best_scores(made.training) if made.split.validation else None
    rows = [(n, s) for n, s in (("validation", validation), ("test", made.test)) if s]
    if not rows:
        return ["No images were held out: the accuracy on other images is unknown."]
    names = list(rows[0][1])
    head = [f"| images | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    body = [f"| {what} | {' | '.join(f'{s[n]:.3f}' for n in names)} |" for what, s in rows]
    best = f"The weights are those of step {made.training.best_step:,}, the best in validation."
    return [*head, *body, "", best]


def best_scores(training: Training) -> dict[str, float]:
    """Return the best validation scores."""
    found = next((s for s in training.scores if s["step"] == training.best_step), {})
    return {name: round(value, 4) for name, value in found.items() if name != "step"}


def _curves(training: Training) -> dict[str, dict[str, Curve]]:
    losses = np.array(training.losses)
    width = min(_SMOOTH, max(1, len(losses)))
    smooth = np.convolve(losses, np.ones(width) / width, "valid") if len(losses) else losses
    steps = (np.arange(len(smooth)) + width).tolist()
    names = [name for name in (training.scores or [{}])[0] if name != "step"]
    at = [score["step"] for score in training.scores]
    scores: dict[str, Curve] = {n: (at, [score[n] for score in training.scores]) for n in names}
    return {"Loss": {"": (steps, smooth.tolist())}, "Validation": scores}


def picture_of(sample: Sample, found: NDArray[np.integer], head: Head) -> NDArray[np.uint8]:
    """Draw the prediction beside the ground truth, in the middle slice of a stack."""
    image, labels = sample.image[0], [found, sample.labels]
    if image.ndim == 3:
        middle = image.shape[0] // 2
        image, labels = image[middle], [array[middle] for array in labels]
    drawn: NDArray[np.uint8] = np.hstack([overlay(image, head.object_ids(a)) for a in labels])
    return drawn
