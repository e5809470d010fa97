"""A training recipe: everything that, with the data, determines the trained weights."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from ...core.options import Options
from ...heads import AnyHead
from ...network.architectures import AnyArchitecture
from ...network.tile_layout import Tiling
from ..augment.augmentation import Augmentation

LEARNING_RATE = 1e-3  # of a new model; see also `fine_tune`
MOST_BATCH, MOST_STEPS, MOST_WORKERS = 2**14, 10**8, 256  # more is a mistake


class Schedule(Options):
    """The course of a training: how many steps, how fast, and when it is validated."""

    patch: tuple[int, ...] = (192, 192)
    batch: int = Field(8, ge=1, le=MOST_BATCH)
    steps: int = Field(10_000, ge=1, le=MOST_STEPS)
    learning_rate: float = Field(LEARNING_RATE, gt=0, description="Rate after the warm-up")
    weight_decay: float = Field(1e-4, ge=0)
    warmup: int = Field(200, ge=0, description="Steps of linear warm-up before the cosine")
    clip: float = Field(10.0, gt=0, description="Largest norm of the gradient")
    validate_every: int = Field(1_000, ge=1)
    checkpoint_every: int = Field(250, ge=1)
    patience: int = Field(
        0, ge=0, description="Validations without a better score before it stops; 0 for never"
    )
    tensorboard: bool = Field(False, description="Write log files for TensorBoard as well")
    seed: int = 0

    def rate(self, step: int) -> float:
        """Return the learning rate at a step: linear warm-up, then half a cosine down to 1 %."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1, done))))


class Hyperparameters(Schedule):
    """A training recipe for prediction maps."""

    architecture: AnyArchitecture
    head: AnyHead
    augmentation: Augmentation = Augmentation()
    ema: float = Field(0.999, ge=0, lt=1, description="Decay of the moving average of the weights")
    foreground: float = Field(
        0.0, ge=0, le=1, description="Share of patches centred on labelled voxels"
    )
    workers: int = Field(1, ge=0, le=MOST_WORKERS)
    tiling: Tiling = Field(Tiling(), description="Windows over the images of the validation")

    @model_validator(mode="after")
    def _patch_fits(self) -> Hyperparameters:
        ndim, fitting = self.architecture.spatial_dims, self.architecture.fit(self.patch)
        if len(self.patch) != ndim:
            raise ValueError(f"Patch {self.patch} must have {ndim} axes")
        if self.patch != fitting:
            name = self.architecture.name
            raise ValueError(f"Patch {self.patch} does not fit {name}; use {fitting}")
        if self.head.channels(ndim) != self.architecture.out_channels:
            raise ValueError(f"the head needs {self.head.channels(ndim)} output channels")
        return self
