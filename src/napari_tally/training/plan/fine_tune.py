"""The plan of a training that begins with a model: its network, head and grid, a lower rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ...core.errors import InputError
from ...heads.panoptic import Panoptic
from ...network.hardware import Machine
from ..loop.recipe import LEARNING_RATE
from .plan import Plan, epoch_of
from .rules import batch_of, choose_patch, choose_workers, share_around

if TYPE_CHECKING:
    from ...models.bundle import Model
    from ..data.label_kind import Kind
    from .fingerprint import Fingerprint

_RATE = LEARNING_RATE / 5  # lower than for a new model, to keep what it has learned
_FEW, _MANY = 300, 1500  # steps, for few images and for many
_EACH = 100


def kind_for(model: Model) -> Kind:
    """Return what labels a model learns from."""
    head = model.info.head
    if isinstance(head, Panoptic):
        return "panoptic"
    return "instances" if head.finds_objects else "classes"


def axes_for(model: Model) -> Literal[2, 3]:
    """Return along how many axes a model sees images."""
    return model.architecture.spatial_dims


def fine_tuning_plan(data: Fingerprint, model: Model, machine: Machine | None = None) -> Plan:
    """Choose how a model is trained further.

    Raises
    ------
    InputError
        If it takes other channels, or has other classes.
    """
    machine, info = machine or Machine.here(), model.info
    if len(data.channels) != len(info.channels):
        raise InputError(
            f"Images of {len(info.channels)} channels are needed for {info.name}",
            f"{len(data.channels)} channels",
            "Choose one with --channel" if len(info.channels) == 1 else "",
        )
    classes = len(info.head.class_names)
    if data.ids and data.ids[-1] > classes:
        raise InputError(
            f"Class ids from 1 to {classes} are needed for {info.name}",
            f"ids up to {data.ids[-1]}",
        )
    patch, _ = choose_patch(data, machine, info.spacing, info.diameter)
    patch = model.architecture.fit(patch)
    steps = int(min(_MANY, max(_FEW, _EACH * data.images)))
    return Plan(
        kind=data.kind,
        class_ids=tuple(range(1, classes + 1)),
        channels=info.channels,
        spacing=info.spacing,
        spacing_unit=info.spacing_unit,
        orientation=info.orientation,
        diameter=info.diameter,
        normalizer=info.normalizer,
        min_size=info.min_size,
        tiling=info.tiling,
        architecture=model.architecture,
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
    )
