"""Training options."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ...core.errors import InputError, unknown_name
from ...core.options import Offer, Options
from ...files.options import Resample
from ...heads import Kind, object_heads
from ...network.architectures import ARCHITECTURES
from ...network.device import Device
from ..augment.presets import Preset


class TrainingOptions(Options):
    """How a model is trained; the plan chooses what is not set."""

    start: Annotated[str | None, Offer(label="Start from", flag="from")] = Field(
        None,
        description="Model to fine-tune, with its network, head and voxel size: a built-in or "
        "imported model, or a model folder.",
    )
    kind: Kind | None = Field(
        None,
        description="What the label values are: object ids, class ids, or both. Default: inferred "
        "from the labels.",
    )
    separate: Annotated[bool, Offer(advanced=True)] = Field(
        False,
        description="Split labels that are a binary mask into connected components (one object "
        "each).",
    )
    resample: Resample = False
    ndim: Annotated[Literal[2, 3] | None, Offer(label="Dimensions")] = Field(
        None, description="Dimensions of the network. Default: chosen from the images."
    )
    head: Annotated[str | None, Offer(choices=object_heads)] = Field(
        None, description="How a new model separates objects. Default: flow."
    )
    architecture: Annotated[str | None, Offer(choices=lambda: ARCHITECTURES, advanced=True)] = (
        Field(None, description="Network architecture of a new model. Default: DynUNet.")
    )
    class_names: tuple[str, ...] = Field(
        (), description="Names of the classes, in the order of their ids, such as nerve,vessel."
    )
    channel: str | None = Field(
        None, description="Channel to train on, by number (from 0) or name. Default: all channels."
    )
    validation: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of the images to hold out for validation. Default: a fifth, 20 images "
        "at most.",
    )
    test: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the images to hold out as a test set, scored at the end.",
    )
    validation_names: Annotated[tuple[str, ...], Offer(advanced=True)] = Field(
        (), description="Names of the validation images. Default: drawn at random."
    )
    steps: int | None = Field(
        None, ge=1, description="Number of training batches. Default: chosen by the plan."
    )
    batch: Annotated[int | None, Offer(label="Batch size", advanced=True)] = Field(
        None, ge=1, description="Patches in a batch. Default: chosen by the plan."
    )
    patch: Annotated[tuple[int, ...] | None, Offer(label="Patch size", advanced=True)] = Field(
        None, description="Shape of the training patches, such as 128,128. Default: by the plan."
    )
    learning_rate: Annotated[float | None, Offer(aliases=("rate",), advanced=True)] = Field(
        None, gt=0, description="Learning rate after warm-up. Default: chosen by the plan."
    )
    augmentation: Annotated[Preset | None, Offer(aliases=("augment",))] = Field(
        None, description="Strength of data augmentation. Default: chosen by the plan."
    )
    patience: Annotated[int | None, Offer(advanced=True)] = Field(
        None,
        ge=0,
        description="Validations without improvement before training stops (0 = never).",
    )
    workers: Annotated[int | None, Offer(advanced=True)] = Field(
        None, ge=0, description="Data-loading worker processes (0 = main process)."
    )
    name: str | None = Field(None, description="Name of the model. Default: that of its folder.")
    description: str | None = Field(
        None, description="One sentence about the model. Default: written from the plan."
    )
    licence: str = Field("not stated", description="Licence of the model, such as CC-BY-4.0.")
    data: str = Field(
        "", description="What the images are and where they come from, for the model card."
    )
    device: Device = "auto"
    seed: Annotated[int, Offer(advanced=True)] = Field(
        0, description="Random seed of the split, the patches and the weights."
    )
    tensorboard: Annotated[bool, Offer(label="TensorBoard log", advanced=True)] = Field(
        False, description="Write TensorBoard logs."
    )
    resume: bool = Field(
        False, description="Resume a stopped run with its options, images and plan."
    )
    overwrite: bool = Field(False, description="Replace a model that exists.")

    @field_validator("head")
    @classmethod
    def _separates_objects(cls, name: str | None) -> str | None:
        if name is not None and name not in object_heads():
            raise unknown_name("head that separates objects", name, object_heads())
        return name

    @model_validator(mode="after")
    def _separates_instances(self) -> TrainingOptions:
        if self.separate and self.kind not in (None, "instances"):
            raise InputError(
                f"Labels of the kind {self.kind} are not split into objects",
                hint="Leave out --separate",
            )
        return self

    @property
    def label_kind(self) -> Kind | None:
        """The kind of the labels, if known: split masks are object ids."""
        return "instances" if self.separate else self.kind

    def resumed(self, first: TrainingOptions) -> TrainingOptions:
        """Return the options of a run that is resumed, on the device that is set now."""
        return first.model_copy(
            update={"device": self.device, "resume": True, "overwrite": self.overwrite}
        )
