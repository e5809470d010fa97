"""From labelled images to a model folder: plan, split, training, scores, card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import remove_folder
from ..core.errors import InputError, OutputExistsError
from ..core.part_folder import LOCK, PREFIX, sweep
from ..core.progress import Step, Steps
from ..files.claim import locked
from ..models.bundle import load_model, save_model
from ..models.copy_bundle import check_target
from ..models.model_info import ModelInfo
from ..network.adapt_weights import adapted_weights
from ..network.device import choose_device
from ..network.distributed import Team
from .data.labelled_image import in_planes
from .data.preprocess import samples_steps
from .loop.checkpoint import BEST, LAST, LOG, best_weights
from .loop.history import Training
from .loop.learner import Learner
from .loop.loop import train_steps
from .loop.validation import compared, found_steps
from .mask_training import MaskTraining
from .model_card import BY_USER, Made, best_scores, is_finished, picture_of, write_model
from .plan.mask_plan import MaskPlan
from .plan.options import TrainingOptions
from .plan.plan import Plan
from .plan.planner import PLANNED, Planned, plan_for, ready, same_data, stopped_run
from .trained import Trained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ..models.bundle import Model
    from .data.labelled_image import Labelled
    from .data.sample import Sample

_OWN = (PLANNED, BEST, LAST, LOG, "tensorboard", PREFIX, ".DS_Store")  # in such a folder


def run_folder(output: Path) -> Path:
    """Return the folder of a training's checkpoints, which exists until its model is written."""
    return output.with_name(f"{output.name}.training")


def training_steps(
    pairs: Sequence[Labelled], output: Path, options: TrainingOptions | None = None
) -> Steps[Trained]:
    """Train a model on labelled images and write it as a folder; yield after every batch.

    Checkpoints are kept beside the folder until it is written. A run that is closed during training
    leaves a model of the best weights so far, and its checkpoints, from which it can be resumed.
    Processes that `torchrun` started train together; the first one writes the model.

    Raises
    ------
    TallyError
        If an image, an option or the folder cannot be used.
    """
    options, team = options or TrainingOptions(), Team.here()
    if not team.leads:
        return (yield from _training_steps(pairs, output, options, team))
    name = output.with_name(f"{LOCK}{output.name}")
    with locked(name, f"{output} is being trained by another process"):
        return (yield from _training_steps(pairs, output, options, team))


def _training_steps(
    pairs: Sequence[Labelled], output: Path, options: TrainingOptions, team: Team
) -> Steps[Trained]:
    work = run_folder(output)
    sweep(work)
    before = None if options.resume or options.overwrite else stopped_run(work, options)
    if before is not None and (
        not output.exists() or (is_finished(output) and not options.tensorboard)
    ):
        options = options.model_copy(update={"resume": True})  # it was killed
    if team.leads:
        check_target(output, overwrite=options.overwrite or options.resume)
        _check_run(work, options)
    planned = Planned.read(work) if options.resume else None
    options = options if planned is None else options.resumed(planned.options)
    images = ready(pairs, options)
    if before is not None and not same_data(before, images):
        raise _contains_a_run(work)
    planned = planned or plan_for(images, options)
    # Free memory, on which the plan depends, may differ between the processes.
    planned = team.broadcast(planned.shared_by(team.size), team.own(choose_device(options.device)))
    for line in planned.lines():
        yield Step("plan", 1, 1, line)
    run: _Run | MaskTraining = (
        MaskTraining(planned, output, work, options, team)
        if isinstance(planned.plan, MaskPlan)
        else _Run(planned, output, work, options, team)
    )
    yield from run.prepare_steps(images)
    try:
        yield from run.fit_steps()
    except (GeneratorExit, KeyboardInterrupt):
        run.stopped()
        raise
    return (yield from run.finish_steps())


class _Run:
    """A running training, from preprocessing to the model folder."""

    def __init__(
        self, planned: Planned, output: Path, work: Path, options: TrainingOptions, team: Team
    ) -> None:
        assert isinstance(planned.plan, Plan)
        self.plan, self.split, self.team = planned.plan, planned.split, team
        self.output, self.work, self.options = output, work, options
        self.start: Model | None = load_model(options.start) if options.start else None
        self.recipe = self.plan.recipe(options.seed, tensorboard=options.tensorboard)
        self.info = info_of(self.plan, options, output.name, self.start)
        self.training = Training()
        self.parts: dict[str, list[Sample]] = {}
        if not options.resume and team.leads:
            if work.exists():
                remove_folder(work)
            planned.write(work)
        team.broadcast(None, team.own(choose_device(options.device)))  # the folder exists now

    def prepare_steps(self, images: Sequence[Labelled]) -> Steps[None]:
        """Preprocess the images of each set."""
        for part, own in self.split.parts(images).items():
            chosen = in_planes(own, self.plan.ndim)
            self.parts[part] = yield from samples_steps(chosen, self.info, self.plan.class_ids)

    def fit_steps(self) -> Steps[None]:
        """Train, and store the record."""
        weights = self._initial_weights()
        self.training = yield from train_steps(
            self.parts["training"],
            self.parts["validation"],
            self.recipe,
            self.work,
            self.options.device,
            weights,
            self.team,
        )

    def _initial_weights(self) -> Mapping[str, Tensor] | None:
        """Return the weights of the model to start from, adapted to the channels of the images."""
        if self.start is None:
            return None
        weights: Mapping[str, Tensor] = self.start.networks[0].state_dict()
        if self.plan.adapted:
            weights, _ = adapted_weights(weights, self.plan.architecture.build())
        return weights

    def stopped(self) -> None:
        """Make a model of the best weights so far."""
        if self.team.leads and (self.work / BEST).exists():
            self.training = Training.read(self.work)
            self.training.stopped = self.training.stopped or BY_USER
            self._write(None, None)

    def finish_steps(self) -> Steps[Trained]:
        """Score the test set, draw a picture and write the model, in the first process."""
        if not self.team.leads:
            return Trained(self.output, self.info, self.plan, self.split, self.training)
        shown = (self.parts["test"] or self.parts["validation"] or self.parts["training"])[:1]
        test = self.parts["test"]
        learner = Learner(self.recipe, self.options.device, best_weights(self.work))
        found = yield from found_steps(
            learner.network, self.recipe, learner.device, learner.dtype, test or shown
        )
        score = compared(self.info.head, found, test).numbers if test else None
        self._write(score, found[0])
        if not self.options.tensorboard:
            remove_folder(self.work)
        return Trained(self.output, self.info, self.plan, self.split, self.training, score)

    def _write(self, test: Mapping[str, float] | None, found: NDArray[np.integer] | None) -> None:
        shown = (self.parts["test"] or self.parts["validation"] or self.parts["training"])[0]
        self.info = self.info.model_copy(
            update={"metrics": dict(test or best_scores(self.training))}
        )
        made = Made(
            self.info,
            self.plan,
            self.split,
            self.training,
            partial(
                save_model, architecture=self.plan.architecture, weights=best_weights(self.work)
            ),
            None if found is None else picture_of(shown, found, self.info.head),
            shown.name,
            test,
        )
        write_model(made, self.output, overwrite=self.options.overwrite or self.options.resume)


def info_of(
    plan: Plan, options: TrainingOptions, name: str, start: Model | None = None
) -> ModelInfo:
    """Return the description of a model made by a plan."""
    plural = {"instances": "objects", "classes": "parts", "panoptic": "objects"}[plan.kind]
    old = start.info if start else None
    described = f"{plural.capitalize()} in {plan.ndim}D, trained on own images"
    if old is not None:
        described = f"{old.description}; fine-tuned on own images"
    return ModelInfo(
        name=options.name or name,
        version="1.0.0",
        description=options.description or described,
        licence=options.licence,
        head=plan.head,
        preprocessing=plan.preprocessing,
        singular=old.singular if old else plural.removesuffix("s"),
        plural=old.plural if old else plural,
        min_size=plan.min_size,
        colors=old.colors if old else (),
        data=options.data,
    )


def _check_run(work: Path, options: TrainingOptions) -> None:
    planned = (work / PLANNED).is_file()
    if options.resume and not planned:
        raise InputError(f"There is no stopped run in {work}", hint="Leave out --resume")
    if work.exists() and not options.resume:
        _check_content(work)
        if planned and not options.overwrite:
            raise _contains_a_run(work)


def _contains_a_run(work: Path) -> OutputExistsError:
    return OutputExistsError(
        f"{work} contains a stopped run",
        hint="Resume it with --resume, or start again with --overwrite",
    )


def _check_content(work: Path) -> None:
    """Refuse to remove a folder that is not one of checkpoints."""
    others = [p.name for p in work.iterdir() if not p.name.startswith(_OWN)]
    if others:
        raise OutputExistsError(
            f"{work} holds more than a stopped run, such as {min(others)}",
            hint="Choose another name for the model",
        )
