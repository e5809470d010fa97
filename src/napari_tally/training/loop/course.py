"""The course of a training: batches, validations, checkpoints; for networks of any kind."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...core.errors import InputError, ModelError
from ...network.distributed import Team
from ...network.tiled_inference import free_memory, out_of_memory
from .checkpoint import BEST, LAST, load, save, write_log
from .history import Learning, Training
from .tensorboard import Boards

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ...core.progress import Steps
    from ...heads.validation_score import Score
    from .hyperparameters import Schedule

logger = logging.getLogger("napari_tally")
STAGE = "train"
_MOST_BAD_STEPS = 12  # each halves the rate, which is useless after them


class Learns(Protocol):
    """A network in training."""

    device: torch.device

    @property
    def averaged(self) -> nn.Module:
        """The network whose weights are kept."""

    def step(self, image: Any, target: Any, rate: float, parts: int = 1) -> float:
        """Train on a batch and return its loss; if it is not finite, nothing changes."""

    def parts(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""

    def restore(self, parts: dict[str, Any]) -> None:
        """Restore what `parts` returned."""


def course_steps(
    course: Course, training: Sequence[Any], validation: Sequence[Any]
) -> Steps[Training]:
    """Train until the last step; yield after every batch, and every window of a validation."""
    try:
        if course.due and not course.scored:  # a run closed during a validation
            yield from course.validate_steps(validation)
        for image, target in course.batches(training):
            yield from course.batch_steps(image, target, validation)
            if course.state.stopped:
                break
    except GeneratorExit:
        course.keep_some()
        course.save()
        raise
    except KeyboardInterrupt:  # possibly within a step: the last checkpoint stays
        course.keep_some()
        raise
    return course.state


class Course:
    """A network in training, its state and its folder.

    A new kind of training is a class with `batches` and `validate_steps`.
    """

    def __init__(
        self, options: Schedule, folder: Path, learner: Learns, team: Team | None = None
    ) -> None:
        self.schedule, self.folder, self.team = options, folder, team or Team()
        self.learns = learner
        self.state = Training()
        self.resume()
        self.boards = Boards(folder, wanted=options.tensorboard and self.team.leads)
        if not (folder / LAST).exists():
            self.save()  # to restore, and to detect a full disk before the first step

    def batches(self, samples: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield the remaining batches."""
        raise NotImplementedError

    def validate_steps(self, samples: Sequence[Any]) -> Steps[Score | None]:
        """Score the network and keep its weights if they are the best."""
        raise NotImplementedError

    @property
    def due(self) -> bool:
        """Whether a validation is due at this step."""
        step = self.state.step
        return step > 0 and (
            step % self.schedule.validate_every == 0 or step == self.schedule.steps
        )

    @property
    def scored(self) -> bool:
        """Whether this step was validated."""
        return any(score["step"] == self.state.step for score in self.state.scores[-1:])

    def batch_steps(self, image: Any, target: Any, validation: Sequence[Any]) -> Steps[None]:
        """Train on a batch; validate and write a checkpoint when due."""
        start = time.monotonic()
        loss, note = self.make_step(image, target)
        self.state.seconds += time.monotonic() - start
        self.boards.add(self.state.step, {"loss": loss})
        o, state, scores = self.schedule, self.state, None
        if self.due:
            score = yield from self.validate_steps(validation)
            if score is not None:
                scores, note = score.numbers, f"Step {state.step:,}: {score} on validation"
                self.boards.add(state.step, score.numbers)
        if state.step % o.checkpoint_every == 0 or state.step == o.steps or state.stopped:
            self.save()
        note = f"{note}; {state.stopped}" if state.stopped else note
        yield Learning(STAGE, state.step, o.steps, note, loss, scores)

    def make_step(self, image: Any, target: Any) -> tuple[float, str]:
        """Make one step and return its loss and a note."""
        state, note = self.state, ""
        while True:
            rate = self.schedule.rate(state.step) * state.slowdown
            try:
                loss = self.learns.step(image, target, rate, state.parts)
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
        batch = self.schedule.batch
        if self.state.parts > batch:
            raise InputError(
                f"One patch of {self.schedule.patch} does not fit in the memory of "
                f"{self.learns.device}",
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
        saved = load(self.folder / LAST, self.learns.device)
        self.learns.restore(saved)
        where = f"restored the weights of step {saved['state']['step']:,}"
        note = f"Step {state.step:,}: the loss is not finite; {where} and halved the learning rate"
        logger.warning("%s.", note)
        return note

    def judge(self, score: Score) -> None:
        """Save the weights if they are the best, and stop if the score has not improved for long.

        Training continues as long as no object is found at all.
        """
        state, patience = self.state, self.schedule.patience
        state.scores.append({"step": state.step, **score.numbers})
        better = score.main > max(0, state.best_score)
        state.stale = 0 if better or not state.best_score > 0 else state.stale + 1
        if score.main >= state.best_score:
            state.best_score = score.main
            self.keep()
        if patience and state.stale >= patience and state.step < self.schedule.steps:
            state.stopped = f"stopped early: no better score in {state.stale} validations"

    def save(self) -> None:
        """Write a checkpoint, from which `resume` continues."""
        if not self.team.leads:
            return
        save({**self.learns.parts(), "state": asdict(self.state)}, self.folder / LAST)
        write_log(asdict(self.state), self.folder)

    def resume(self) -> None:
        """Continue from the last checkpoint, if there is one."""
        path = self.folder / LAST
        if not path.exists():
            return
        saved = load(path, self.learns.device)
        try:
            state = Training.of(saved.get("state"))
            self.learns.restore(saved)
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
        save(self.learns.averaged.state_dict(), self.folder / BEST)

    def keep_some(self) -> None:
        """Write best weights if there are none."""
        if not (self.folder / BEST).exists():
            self.keep()
