"""What may be told of a training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...core.options import Offer, Options
from ...network.architectures import ARCHITECTURES
from ..augment.presets import Preset
from ..data.label_kind import Kind
from .rules import ObjectHead


class TrainingOptions(Options):
    """What may be told of a training; the plan chooses the rest.

    Attributes
    ----------
    start : str, optional
        A model (shipped, by its name, or a folder) to go on from, with its network, head and grid.
    kind : str, optional
        Whether labels are ids of objects or of classes; seen from the labels if not told.
    head : str, optional
        What tells objects apart, for a model that begins from nothing; see `sizing.choose_head`.
    class_names : tuple of str
        In the order of the class ids.
    channel : str, optional
        Number (from 0) or name of the one channel that is learnt from.
    validation, test : float
        Shares of the images that are spared; for validation a fifth, 20 at most, if none is told.
    validation_names : tuple of str
        The images of the validation, if they are not to be drawn.
    steps, batch, patch, learning_rate, augmentation, patience, workers
        Choices of the plan to make otherwise.
    resume : bool
        Whether to go on with a run that was stopped, with its options, data and plan.
    """

    start: str | None = None
    kind: Kind | None = None
    ndim: Literal[2, 3] | None = None
    head: ObjectHead | None = None
    architecture: Annotated[str | None, Offer(choices=lambda: ARCHITECTURES)] = Field(
        None, description="Network architecture of a new model. Default: DynUNet"
    )
    class_names: tuple[str, ...] = ()
    channel: str | None = None
    validation: float | None = Field(None, ge=0, lt=1)
    test: float = Field(0.0, ge=0, lt=1)
    validation_names: tuple[str, ...] = ()
    steps: int | None = Field(None, ge=1)
    batch: int | None = Field(None, ge=1)
    patch: tuple[int, ...] | None = None
    learning_rate: float | None = Field(None, gt=0)
    augmentation: Preset | None = None
    patience: int | None = Field(None, ge=0)
    workers: int | None = Field(None, ge=0)
    name: str | None = None
    description: str | None = None
    licence: str = "not stated"
    data: str = Field("", description="What the images are and where they come from")
    device: str = "auto"
    seed: int = 0
    tensorboard: bool = False
    resume: bool = False
    overwrite: bool = False

    def resumed(self, first: TrainingOptions) -> TrainingOptions:
        """Return the options of a run that is resumed, on the device that is set now."""
        return first.model_copy(
            update={"device": self.device, "resume": True, "overwrite": self.overwrite}
        )
