"""The training loop: a generator, on MONAI's transforms and losses."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from ..core.errors import InputError
from ..core.options import Options
from ..core.progress import Step, Steps, drain
from ..files.atomic import replacing
from ..heads import AnyHead
from ..network.architectures import AnyArchitecture
from ..network.device import (
    autocast,
    choose_device,
    choose_dtype,
    memory_format,
    use_channels_last,
)
from ..network.tiling import Inference
from ..network.windows import Tiling
from .augment import Augmentation
from .crops import Crops, Sample
from .score import score_of
from .sparse import scored

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger("napari_tally")
STAGE = "train"
_MOST_BAD_STEPS = 20


class TrainOptions(Options):
    """A training recipe."""

    architecture: AnyArchitecture
    head: AnyHead
    augmentation: Augmentation = Augmentation()
    patch: tuple[int, ...] = (192, 192)
    batch: int = Field(8, ge=1)
    steps: int = Field(10_000, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    warmup: int = Field(200, ge=0, description="Steps of linear warm-up before the cosine")
    ema: float = Field(0.999, ge=0, lt=1, description="Decay of the moving average of the weights")
    clip: float = Field(10.0, gt=0, description="Largest norm of the gradient")
    validate_every: int = Field(1_000, ge=1)
    checkpoint_every: int = Field(250, ge=1)
    workers: int = Field(1, ge=0)
    tiling: Tiling = Field(Tiling(), description="Windows over the images of the validation")
    seed: int = 0

    @model_validator(mode="after")
    def _patch_fits(self) -> TrainOptions:
        stride, ndim = self.architecture.stride, self.architecture.spatial_dims
        if len(self.patch) != ndim or any(p % stride for p in self.patch):
            raise ValueError(f"patch {self.patch} must be {ndim} multiples of {stride}")
        if self.head.channels(ndim) != self.architecture.out_channels:
            raise ValueError(f"the head needs {self.head.channels(ndim)} output channels")
        return self

    def rate(self, step: int) -> float:
        """Return the learning rate at a step: linear warm-up, then half a cosine down to 1 %."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1, done))))


@dataclass
class Training:
    """What a training run has come to; the best weights are those of the best validation."""

    step: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    bad_steps: int = 0
    best_score: float = -1.0
    best_step: int = 0
    losses: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)


def train_steps(
    training: Sequence[Sample],
    validation: Sequence[Sample],
    options: TrainOptions,
    folder: Path,
    device: str = "auto",
    weights: Mapping[str, Tensor] | None = None,
) -> Steps[Training]:
    """Train a network; yield after every batch.

    `folder` gets `last.pt` (from which a killed run resumes), `best.pt` (the averaged weights of
    the best validation), and `log.json`.

    Parameters
    ----------
    training, validation : sequence of Sample
        Normalized images with their labels. With no validation the last weights are the best.
    weights : dict of str to Tensor, optional
        Weights to start from, such as `best.pt` of another run.

    Raises
    ------
    InputError
        If there is nothing to train on, or the loss stays NaN.
    """
    if not training:
        raise InputError("At least one labelled image is needed to train", "none")
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(options, folder, device, weights)
    for image, target in run.batches(training):
        loss = run.step(image, target)
        state = run.state
        note = ""
        if state.step % options.validate_every == 0 or state.step == options.steps:
            note = run.validate(validation)
        if state.step % options.checkpoint_every == 0 or state.step == options.steps:
            run.save()
        yield Step(STAGE, state.step, options.steps, note or f"loss {loss:.4f}")
    return run.state


class _Run:
    """A network in training, with everything that a checkpoint holds."""

    def __init__(
        self,
        options: TrainOptions,
        folder: Path,
        device: str,
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        import torch
        from torch.optim.swa_utils import AveragedModel

        torch.manual_seed(options.seed)
        self.options, self.folder = options, folder
        self.device = choose_device(device)
        self.dtype = choose_dtype(self.device)
        self.network = options.architecture.build().to(self.device)
        if weights is not None:
            self.network.load_state_dict(weights)
        use_channels_last(self.network, options.architecture.spatial_dims)
        self.average = AveragedModel(
            self.network, multi_avg_fn=_warming_average(options.ema), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.state = Training()
        self.resume()

    def batches(self, samples: Sequence[Sample]) -> Iterator[tuple[Tensor, Tensor]]:
        """Give the batches that are still to be done, and count the time spent waiting for them."""
        from torch.utils.data import DataLoader

        o = self.options
        crops = Crops(
            samples,
            o.head,
            o.augmentation,
            o.patch,
            o.steps * o.batch,
            o.seed,
            self.state.step * o.batch,
        )
        loader = DataLoader(crops, o.batch, num_workers=o.workers, drop_last=True)
        before = time.monotonic()
        for image, target in loader:
            self.state.waited += time.monotonic() - before
            yield image, target
            self.state.seconds += time.monotonic() - before
            before = time.monotonic()

    def step(self, image: Tensor, target: Tensor) -> float:
        """Make one step of the optimizer; a NaN loss is left out and counted."""
        import torch

        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate(self.state.step)
        layout = memory_format(image.ndim - 2)
        image = image.to(self.device, memory_format=layout, non_blocking=True)
        with autocast(self.device, self.dtype):
            output = self.network(image)
        loss = self.options.head.loss(output.float(), target.to(self.device, non_blocking=True))
        value = float(loss.detach())
        self.state.step += 1
        self.optimizer.zero_grad(set_to_none=True)
        if not math.isfinite(value):
            self._skip()
            return value
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.network)
        self.state.losses.append(round(value, 5))
        return value

    def _skip(self) -> None:
        self.state.bad_steps += 1
        logger.warning("Step %d: the loss is not finite; left out.", self.state.step)
        if self.state.bad_steps > _MOST_BAD_STEPS:
            raise InputError(
                "A finite loss is needed",
                f"{self.state.bad_steps} that were not",
                "Lower the learning rate, or look for NaN in the images",
            )

    def validate(self, samples: Sequence[Sample]) -> str:
        """Score the averaged weights on whole images and keep them if they are the best."""
        import torch

        network = self.average.module
        o = self.options
        inference = Inference(
            network, o.head.activate, o.architecture.stride, self.device, self.dtype, o.tiling
        )
        found = [
            scored(o.head, o.head.decode(drain(inference.steps(s.image))), s.known) for s in samples
        ]
        truth = [scored(o.head, s.labels, s.known) for s in samples]
        score = score_of(o.head, found, truth)
        self.state.scores.append({"step": self.state.step, **score.numbers})
        if score.main >= self.state.best_score:
            self.state.best_score, self.state.best_step = score.main, self.state.step
            with replacing(self.folder / "best.pt") as path:
                torch.save(network.state_dict(), path)
        return f"{score} on validation"

    def save(self) -> None:
        """Write a checkpoint from which `resume` goes on."""
        import torch

        with replacing(self.folder / "last.pt") as path:
            torch.save({**self._parts(), "state": asdict(self.state)}, path)
        with replacing(self.folder / "log.json") as path:
            path.write_text(json.dumps(asdict(self.state)))

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        import torch

        path = self.folder / "last.pt"
        if not path.exists():
            return
        saved = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scaler.load_state_dict(saved["scaler"])
        self.state = Training(**saved["state"])

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }


def _warming_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return the update of a moving average that is shorter at first, to forget fresh weights."""
    from torch.optim.swa_utils import get_ema_multi_avg_fn

    def update(average: Any, current: Any, count: Any) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(now)(average, current, count)

    return update
