"""The plan for fine-tuning a model: its network, head and grid, a lower learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import InputError
from ...network.hardware import Machine
from ...network.normalize import Standard
from ..loop.hyperparameters import LEARNING_RATE
from .plan import Plan, epoch_of
from .rules import batch_of, choose_patch, choose_workers, share_around

if TYPE_CHECKING:
    from ...models.bundle import Model
    from .dataset_fingerprint import Fingerprint

_RATE = LEARNING_RATE / 5  # lower than for a new model, to keep what it has learned
_FEW, _MANY = 300, 1500  # steps, for few images and for many
_EACH = 100


def fine_tuning_plan(data: Fingerprint, model: Model, machine: Machine | None = None) -> Plan:
    """Return the plan for fine-tuning a model.

    For images with other channels than the model's, its first layer is adapted to theirs: see
    `network.adapt_weights`.

    Raises
    ------
    InputError
        If the labels have other classes than the model, or the model cannot be trained.
    """
    machine, info = machine or Machine.here(), model.info
    architecture, changes = model.trainable, dict[str, object]()
    if len(data.channels) != architecture.in_channels:
        changes["channels"] = data.channels
        if isinstance(info.preprocessing.normalizer, Standard):
            changes["normalizer"] = info.preprocessing.normalizer.for_any_channels()
        architecture = architecture.model_copy(update={"in_channels": len(data.channels)})
    classes = len(info.head.class_names)
    if data.ids and data.ids[-1] > classes:
        raise InputError(
            f"The labels have the class id {data.ids[-1]} but {info.name} has {classes} classes",
            hint=f"Use class ids from 1 to {classes}",
        )
    patch, _ = choose_patch(data, machine, info.preprocessing.spacing, info.preprocessing.diameter)
    patch = architecture.fit(patch)
    steps = int(min(_MANY, max(_FEW, _EACH * data.images)))
    return Plan(
        kind=data.kind,
        class_ids=tuple(range(1, classes + 1)),
        # The extent is of the first training images: others may be larger.
        preprocessing=info.preprocessing.model_copy(update={"extent": None, **changes}),
        min_size=info.min_size,
        architecture=architecture,
        head=info.head,
        patch=patch,
        batch=batch_of(patch, machine),
        steps=steps,
        epoch=epoch_of(steps),
        learning_rate=_RATE,
        foreground=share_around(data),
        augmentation="strong" if data.images < 5 else "light",
        workers=choose_workers(data, machine, steps),
        start=info.name,
        adapted="channels" in changes,
    )
