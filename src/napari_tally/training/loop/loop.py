"""The training loop: a generator, on MONAI's transforms and losses."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ...core.errors import InputError, ModelError
from ...network.distributed import Team
from ...network.tiled_inference import free_memory, out_of_memory
from ..data.data_loader import batches
from ..data.patch_sampler import Patches
from ..data.sample import Sample
from .checkpoint import BEST, LAST, load, save, write_log
from .history import Learning, Training
from .hyperparameters import Hyperparameters
from .learner import Learner
from .tensorboard import Boards
from .validation import compared, found_steps

if TYPE_CHECKING:
    from torch import Tensor

    from ...core.progress import Steps
    from ...heads.validation_score import Score

__all__ = ["Hyperparameters", "Learning", "Sample", "Training", "train_steps"]

logger = logging.getLogger("napari_tally")
STAGE = "train"
_MOST_BAD_STEPS = 12  # each halves the rate, which is useless after them


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
    run = _Run(options, folder, device, weights, team)
    try:
        if run.due and not run.scored:  # a run closed during a validation
            yield from run.validate_steps(validation)
        for image, target in run.batches(training):
            yield from run.batch_steps(image, target, validation)
            if run.state.stopped:
                break
    except GeneratorExit:
        run.keep_some()
        run.save()
        raise
    except KeyboardInterrupt:  # possibly within a step: the last checkpoint stays
        run.keep_some()
        raise
    return run.state


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


class _Run:
    """A network in training, its state and its folder."""

    def __init__(
        self,
        options: Hyperparameters,
        folder: Path,
        device: str,
        weights: Mapping[str, Tensor] | None,
        team: Team,
    ) -> None:
        self.options, self.folder, self.team = options, folder, team
        self.learner = Learner(options, device, weights, team)
        self.state = Training()
        self.resume()
        self.boards = Boards(folder, wanted=options.tensorboard and team.leads)
        if not (folder / LAST).exists():
            self.save()  # to restore, and to detect a full disk before the first step

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

    @property
    def due(self) -> bool:
        """Whether a validation is due at this step."""
        step = self.state.step
        return step > 0 and (step % self.options.validate_every == 0 or step == self.options.steps)

    @property
    def scored(self) -> bool:
        """Whether this step was validated."""
        return any(score["step"] == self.state.step for score in self.state.scores[-1:])

    def batch_steps(
        self, image: Tensor, target: Tensor, validation: Sequence[Sample]
    ) -> Steps[None]:
        """Train on a batch; validate and write a checkpoint when due."""
        start = time.monotonic()
        loss, note = self.make_step(image, target)
        self.state.seconds += time.monotonic() - start
        self.boards.add(self.state.step, {"loss": loss})
        o, state, scores = self.options, self.state, None
        if self.due:
            score = yield from self.validate_steps(validation)
            if score is not None:
                scores, note = score.numbers, f"Step {state.step:,}: {score} on validation"
                self.boards.add(state.step, score.numbers)
        if state.step % o.checkpoint_every == 0 or state.step == o.steps or state.stopped:
            self.save()
        note = f"{note}; {state.stopped}" if state.stopped else note
        yield Learning(STAGE, state.step, o.steps, note, loss, scores)

    def make_step(self, image: Tensor, target: Tensor) -> tuple[float, str]:
        """Make one step and return its loss and a note."""
        state, note = self.state, ""
        while True:
            rate = self.options.rate(state.step) * state.slowdown
            try:
                loss = self.learner.step(image, target, rate, state.parts)
                break
            except RuntimeError as error:
                if not out_of_memory(error) or self.team.size > 1:
                    raise  # the other processes would wait forever
                note = self.smaller()
        state.step += 1
        if not math.isfinite(loss):
            return loss, self.back()
        state.losses.append(round(loss, 5))
        return loss, note

    def smaller(self) -> str:
        """Halve the part of a batch that is in memory at a time; the gradient stays the same."""
        self.state.parts *= 2
        free_memory()
        batch = self.options.batch
        if self.state.parts > batch:
            raise InputError(
                f"One patch of {self.options.patch} does not fit in the memory of "
                f"{self.learner.device}",
                hint="Use a smaller patch",
            )
        return f"Out of memory: splitting batches of {batch} patches into {self.state.parts} parts"

    def back(self) -> str:
        """Restore the weights of the last checkpoint and halve the learning rate."""
        state = self.state
        state.bad_steps += 1
        state.slowdown /= 2
        if state.bad_steps > _MOST_BAD_STEPS:
            raise InputError(
                f"Training diverged: the loss was NaN in {state.bad_steps} steps",
                hint="Lower the learning rate or check the images for NaN",
            )
        saved = load(self.folder / LAST, self.learner.device)
        self.learner.restore(saved)
        where = f"restored the weights of step {saved['state']['step']:,}"
        note = f"Step {state.step:,}: the loss is not finite; {where} and halved the learning rate"
        logger.warning("%s.", note)
        return note

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

    def judge(self, score: Score) -> None:
        """Save the weights if they are the best, and stop if the score has not improved for long.

        Training continues as long as no object is found at all.
        """
        state, patience = self.state, self.options.patience
        state.scores.append({"step": state.step, **score.numbers})
        better = score.main > max(0, state.best_score)
        state.stale = 0 if better or not state.best_score > 0 else state.stale + 1
        if score.main >= state.best_score:
            state.best_score = score.main
            self.keep()
        if patience and state.stale >= patience and state.step < self.options.steps:
            state.stopped = f"stopped early: no better score in {state.stale} validations"

    def save(self) -> None:
        """Write a checkpoint, from which `resume` continues."""
        if not self.team.leads:
            return
        save({**self.learner.parts(), "state": asdict(self.state)}, self.folder / LAST)
        write_log(asdict(self.state), self.folder)

    def resume(self) -> None:
        """Continue from the last checkpoint, if there is one."""
        path = self.folder / LAST
        if not path.exists():
            return
        saved = load(path, self.learner.device)
        try:
            state = Training.of(saved.get("state"))
            self.learner.restore(saved)
        except MemoryError:
            raise
        except Exception as error:  # torch checks little of what it restores
            raise ModelError(
                f"The checkpoint in {self.folder} is of another network, or damaged: {error}",
                hint="Resume with the same options, or use another folder",
            ) from error
        self.state = state

    def keep(self) -> None:
        """Write the averaged weights as the best."""
        self.state.best_step = self.state.step
        if not self.team.leads:
            return
        save(self.learner.averaged.state_dict(), self.folder / BEST)

    def keep_some(self) -> None:
        """Write best weights if there are none."""
        if not (self.folder / BEST).exists():
            self.keep()
