"""A network in training: one step of the optimizer after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...network.device import (
    autocast,
    choose_device,
    choose_dtype,
    memory_format,
    use_channels_last,
)
from ...network.distributed import Team
from ...network.freed_memory import keep_freed_memory

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .hyperparameters import Hyperparameters

Parts = dict[str, Any]


class Learner:
    """A network with its optimizer and the moving average of its weights."""

    def __init__(
        self,
        options: Hyperparameters,
        device: str,
        weights: Mapping[str, Tensor] | None = None,
        team: Team | None = None,
    ) -> None:
        import torch
        from torch.optim.swa_utils import AveragedModel

        torch.manual_seed(options.seed)
        self.options, self.team = options, team or Team()
        self.device = self.team.own(choose_device(device))
        if self.device.type == "cpu":
            keep_freed_memory()
        self.dtype = choose_dtype(self.device)
        network = self.team.with_shared_norm(options.architecture.build(), self.device)
        self.network = network.to(self.device)
        if weights is not None:
            self.network.load_state_dict(weights)
        use_channels_last(self.network, options.architecture.spatial_dims)
        self.parallel = self.team.parallel(self.network, self.device)
        self.average = AveragedModel(
            self.network, multi_avg_fn=_warming_average(options.ema), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            options.learning_rate,
            weight_decay=options.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),  # many small weights: most of it is overhead
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    @property
    def averaged(self) -> nn.Module:
        """The network with the averaged weights."""
        network: nn.Module = self.average.module
        return network

    def step(self, image: Tensor, target: Tensor, rate: float, parts: int = 1) -> float:
        """Train on a batch and return its loss; if it is not finite, nothing changes.

        A batch that is split into `parts` takes less memory.
        """
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for some, wanted in zip(image.chunk(parts), target.chunk(parts), strict=True):
            loss += self._add_gradient(some, wanted, len(some) / len(image))
        if not math.isfinite(loss):
            return loss
        return loss if self._move() else math.nan

    def _add_gradient(self, image: Tensor, target: Tensor, share: float) -> float:
        layout = memory_format(image.ndim - 2)
        image = image.to(self.device, memory_format=layout, non_blocking=True)
        with autocast(self.device, self.dtype):
            output = self.parallel(image)
        target = self.team.gathered(target.to(self.device, non_blocking=True))
        # The loss of all processes' patches at once: Dice of a batch is no mean of its parts.
        loss = self._loss(self.team.gathered(output.float()), target) * share
        value = float(loss.detach())
        if math.isfinite(value):
            # Each process has the gradient of its own patches, and their mean is taken.
            self.scaler.scale(loss * self.team.size).backward()
        return value

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the head's loss; with deep supervision each coarser level counts half as much."""
        head = self.options.head
        if output.ndim == target.ndim:
            return head.loss(output, target)
        levels = output.unbind(1)
        shares = [0.5**i for i in range(len(levels))]
        losses = (w * head.loss(one, target) for w, one in zip(shares, levels, strict=True))
        return sum(losses, target.new_zeros(())) / sum(shares)

    def _move(self) -> bool:
        """Make a step of the optimizer, unless the gradient is not finite."""
        import torch

        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        # With 16 bits the scaler skips steps that are too large, and lowers its scale.
        if not self.scaler.is_enabled() and not math.isfinite(float(norm)):
            return False
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.network)
        return True

    def parts(self) -> Parts:
        """Return the state for a checkpoint."""
        return {name: part.state_dict() for name, part in self._stateful().items()}

    def restore(self, parts: Parts) -> None:
        """Restore what `parts` returned."""
        for name, part in self._stateful().items():
            part.load_state_dict(parts[name])

    def _stateful(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
        }


def _warming_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return the update of a moving average that is shorter at first, to forget fresh weights."""
    from torch.optim.swa_utils import get_ema_multi_avg_fn

    def update(average: Any, current: Any, count: Any) -> None:
        if not average[0].is_floating_point():  # a table of indices has no mean
            for one, other in zip(average, current, strict=True):
                one.copy_(other)
            return
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(now)(average, current, count)

    return update
