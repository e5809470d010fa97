"""Plan and split of a training, before it starts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.atomic import write_text
from ...core.errors import FileError, InputError, sentence
from ...core.options import Options
from ...models.bundle import Model, load_model
from ...network.architectures import ARCHITECTURES
from ...network.hardware import Machine
from ...objects.binary_mask import mask_note
from ..data.data_split import Split, named_split, split_groups
from ..data.labelled_image import Labelled, check_all, in_planes
from .contrast_inversion import suited
from .dataset_fingerprint import Fingerprint, fingerprint
from .fine_tune import fine_tuning_plan
from .mask_plan import MaskPlan, mask_plan
from .options import TrainingOptions
from .plan import Plan, make_plan
from .rules import choose_workers

if TYPE_CHECKING:
    from ...core.volume import Volume

logger = logging.getLogger("napari_tally")

PLANNED = "plan.json"
_NOT_OF_A_RUN = {"device", "resume", "overwrite"}


class Planned(Options):
    """Options, plan and split of a run, stored in its folder to resume it."""

    data: Fingerprint
    plan: Plan | MaskPlan
    split: Split
    options: TrainingOptions

    def lines(self) -> list[str]:
        """Describe it in words."""
        return [*self.data.lines(), *self.plan.lines(), *self.split.lines()]

    def shared_by(self, processes: int) -> Planned:
        """Return the plan with a batch that the processes can share evenly."""
        batch = processes * ceil(self.plan.batch / processes)
        return self.model_copy(update={"plan": self.plan.changed(batch=batch)})

    def write(self, folder: Path) -> None:
        """Write it into the folder of a run."""
        write_text(self.model_dump_json(indent=2), folder / PLANNED)

    @classmethod
    def read(cls, folder: Path) -> Planned:
        """Read it from the folder of a run.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        try:
            return cls.model_validate_json((folder / PLANNED).read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise FileError(
                f"The plan of the run in {folder / PLANNED} cannot be read: {sentence(error)}",
                hint="Start again with --overwrite",
            ) from error


def stopped_run(folder: Path, options: TrainingOptions) -> Planned | None:
    """Return the plan of a run in a folder that was stopped, if it had the same options.

    A run that was stopped before it had a plan has done nothing.
    """
    if not (folder / PLANNED).is_file():
        return None
    try:
        found = Planned.read(folder)
    except FileError:
        return None
    same = found.options.model_dump(exclude=_NOT_OF_A_RUN) == options.model_dump(
        exclude=_NOT_OF_A_RUN
    )
    return found if same else None


def same_data(planned: Planned, pairs: Sequence[Labelled]) -> bool:
    """Return whether images are those of a plan."""
    options = planned.options
    start = load_model(options.start) if options.start else None
    return _fingerprint(pairs, options, start) == planned.data


def _fingerprint(
    pairs: Sequence[Labelled], options: TrainingOptions, start: Model | None
) -> Fingerprint:
    return fingerprint(
        pairs,
        start.info.head.kind if start else options.label_kind,
        (2 if start.spatial_dims == 2 else 3) if start else options.ndim,
    )


def plan_for(pairs: Sequence[Labelled], options: TrainingOptions) -> Planned:
    """Return plan and split for images that `ready` returned, without training."""
    machine = Machine.here(options.device)
    start = load_model(options.start) if options.start else None
    data = _fingerprint(pairs, options, start)
    if start is not None and start.info.finds_masks:
        masks = mask_plan(in_planes(pairs, 2), start, options)
        return Planned(options=options, data=data, plan=masks, split=_split(pairs, options))
    if start is not None:
        _check_architecture(start, options.architecture)
        plan = fine_tuning_plan(data, start, machine)
        planes = in_planes(pairs, plan.ndim)
        normalizer = suited(planes, start, plan.recipe(), options.device)
        if normalizer != start.info.preprocessing.normalizer:
            inputs = plan.preprocessing.model_copy(update={"normalizer": normalizer})
            plan = plan.changed(preprocessing=inputs)
    else:
        stuff = [i for i in data.ids if _is_stuff(pairs, i)]
        plan = make_plan(
            data,
            machine,
            head=options.head,
            architecture=options.architecture,
            class_names=options.class_names,
            stuff=stuff,
        )
    given = ("steps", "batch", "patch", "learning_rate", "augmentation", "patience", "workers")
    plan = plan.changed(**{name: getattr(options, name) for name in given})
    if options.workers is None:
        plan = plan.changed(workers=choose_workers(data, machine, plan.steps))
    return Planned(options=options, data=data, plan=plan, split=_split(pairs, options))


def ready(pairs: Sequence[Labelled], options: TrainingOptions) -> list[Labelled]:
    """Return images checked, with the channel and the kind of labels that the options name.

    Raises
    ------
    InputError
        If one of them cannot be used for training.
    """
    if options.channel is not None:
        pairs = [replace(p, image=_one_channel(p, options.channel)) for p in pairs]
    start = load_model(options.start) if options.start else None
    kind = start.info.head.kind if start else options.label_kind
    keeps = start is not None and start.info.finds_masks  # the class of each object
    if kind == "classes":
        pairs = [p if p.classes is None else replace(p, labels=p.classes) for p in pairs]
    if kind in ("classes", "instances") and not keeps:
        pairs = [replace(p, classes=None) for p in pairs]
    wanted = kind == "instances"
    separate = options.separate and wanted
    found = check_all(pairs, separate=separate, resample=options.resample)
    if wanted:
        _note_masks(found)
    return found


def _note_masks(pairs: Sequence[Labelled]) -> None:
    """Log a remark on labels of objects that are binary masks."""
    notes = list(filter(None, (mask_note(pair.labels, "learnt") for pair in pairs)))
    if notes:
        more = f" (and {len(notes) - 1:,} more)" if len(notes) > 1 else ""
        logger.warning("%s%s; --separate makes an object of each.", notes[0], more)


def _check_architecture(start: Model, name: str | None) -> None:
    """Raise an `InputError` if a model is to be fine-tuned as a network of another kind."""
    own = start.trainable.name
    if name is not None and ARCHITECTURES[name].target() != start.trainable.target():
        raise InputError(
            f"{start.info.name} is a {own} and cannot be fine-tuned as a {name}",
            hint="Leave out --architecture, or train a new model",
        )


def _split(pairs: Sequence[Labelled], options: TrainingOptions) -> Split:
    if options.validation_names:
        names = [pair.name for pair in pairs]
        return named_split(names, options.validation_names, options.seed)
    groups = {pair.name: pair.group or pair.name for pair in pairs}
    return split_groups(groups, options.seed, options.validation, options.test)


def _is_stuff(pairs: Sequence[Labelled], class_id: int) -> bool:
    """Return whether no object is of that class."""
    for pair in pairs:
        if pair.classes is not None:
            inside = np.asarray(pair.labels.array)[np.asarray(pair.classes.array) == class_id]
            if inside.any():
                return False
    return True


def _one_channel(pair: Labelled, channel: str) -> Volume:
    image = pair.image
    return image.at("C", image.channel_index(channel)) if image.channels else image
