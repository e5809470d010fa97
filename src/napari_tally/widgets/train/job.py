"""A training that the Train dock runs in the background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.progress import Step
from ..controls.preload import preload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...core.progress import Steps
    from ...core.volume import Volume
    from ...training.data.labelled_image import Labelled
    from ...training.plan.options import TrainingOptions
    from ...training.trained import Trained


@dataclass(frozen=True, eq=False)
class TrainJob:
    """Images, copies of their labels (layers may be painted meanwhile), and the model folder."""

    pairs: tuple[Labelled, ...]
    output: Path
    options: TrainingOptions


def train_job(job: TrainJob) -> Steps[Trained]:
    """Train a model; a run that is closed saves the best weights so far."""
    yield from preload.wait_steps()
    from ...training.train import training_steps

    return (yield from training_steps(job.pairs, job.output, job.options))


def plan_job(job: TrainJob) -> Steps[list[str]]:
    """Return the training plan as lines of text; a model to fine-tune may be run on the images."""
    yield from preload.wait_steps()
    from ...training.plan.planner import plan_for, ready

    yield Step("plan", 0, 1)
    planned = plan_for(ready(job.pairs, job.options), job.options)
    return [*planned.plan.lines(), *planned.split.lines()]


def preview_job(job: TrainJob, image: Volume) -> Steps[NDArray[np.integer]]:
    """Segment an image with the best weights so far."""
    from ...training.preview import preview_steps
    from ...training.train import run_folder

    return (yield from preview_steps(run_folder(job.output), image, job.options.device))
