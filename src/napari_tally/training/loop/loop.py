"""The training loop: a generator, on MONAI's transforms and losses."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import psutil

from ...core.errors import InputError
from ...network.distributed import Team
from ..data.data_loader import batches
from ..data.patch_sampler import Patches
from ..data.sample import Sample
from .course import Course, course_steps
from .history import Learning, Training
from .hyperparameters import Hyperparameters
from .learner import Learner
from .validation import compared, found_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from ...core.progress import Steps
    from ...heads.validation_score import Score

__all__ = ["Hyperparameters", "Learning", "Sample", "Training", "train_steps"]


def train_steps(
    training: Sequence[Sample],
    validation: Sequence[Sample],
    options: Hyperparameters,
    folder: Path,
    device: str = "auto",
    weights: Mapping[str, Tensor] | None = None,
    team: Team | None = None,
) -> Steps[Training]:
    """Train a network; yield after every batch, and every window of a validation.

    `folder` gets `last.pt` (from which a killed run resumes), `best.pt` (the averaged weights of
    the best validation), and `log.json`. A run that is closed keeps both; without a
    validation its last weights are the best.

    Parameters
    ----------
    training, validation : sequence of Sample
        Normalized images with their labels. With no validation the last weights are the best.
    weights : dict of str to Tensor, optional
        Weights to start from, such as `best.pt` of another run.
    team : Team, optional
        The processes that share each batch; the first one validates and writes.

    Raises
    ------
    InputError
        If there are no images, the batch cannot be shared evenly, or training diverges.
    FileError
        If the folder cannot be written, or is full.
    """
    if not training:
        raise InputError("There are no labelled images to train on")
    team = team or Team()
    if options.batch % team.size:
        raise InputError(
            f"A batch of {options.batch} patches cannot be shared evenly by {team.size} processes",
            hint=f"Use a multiple of {team.size}",
        )
    _check_memory(options, team)
    run = Run(options, folder, device, weights, team)
    return (yield from course_steps(run, training, validation))


def _check_memory(options: Hyperparameters, team: Team) -> None:
    """Refuse a batch whose patches alone do not fit in the memory."""
    values = options.batch // team.size * math.prod(options.patch)
    wanted = 4 * values * (options.architecture.in_channels + options.architecture.out_channels)
    free = psutil.virtual_memory().available
    if wanted > free:
        raise InputError(
            f"A batch of {options.batch} patches of {options.patch} needs more than"
            f" {wanted / 2**30:,.0f} GiB of memory, but {free / 2**30:,.1f} GiB are free",
            hint="Use a smaller batch or patch",
        )


class Run(Course):
    """The training of prediction maps."""

    def __init__(
        self,
        options: Hyperparameters,
        folder: Path,
        device: str,
        weights: Mapping[str, Tensor] | None,
        team: Team,
    ) -> None:
        self.options = options
        self.learner = Learner(options, device, weights, team)
        super().__init__(options, folder, self.learner, team)

    def batches(self, samples: Sequence[Sample]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the remaining batches, and measure the time spent waiting for them."""
        o, first = self.options, self.state.step * self.options.batch
        count = (0 if self.state.stopped else o.steps) * o.batch
        patches = Patches(
            samples, o.head, o.augmentation, o.patch, max(count, first), o.seed, first, o.foreground
        )
        indices = self.team.indices(len(patches), o.batch)
        own, device = o.batch // self.team.size, self.learner.device.type
        before = None  # data-loading processes need time to start
        for image, target in batches(patches, own, indices, o.workers, device):
            if before is not None:
                self.state.waited += time.monotonic() - before
            yield image, target
            before = time.monotonic()

    def validate_steps(self, samples: Sequence[Sample]) -> Steps[Score | None]:
        """Score the averaged weights on whole images and keep them if they are the best.

        Without images there is no score, and the last weights are the best.
        """
        if not samples:
            self.keep()
            return None
        o, learner, team = self.options, self.learner, self.team
        score = None
        if team.leads:
            found = yield from found_steps(
                learner.averaged, o, learner.device, learner.dtype, samples
            )
            score = compared(o.head, found, samples)
            self.judge(score)
        vars(self.state).update(team.broadcast(vars(self.state), learner.device))
        return score
