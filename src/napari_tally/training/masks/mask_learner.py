"""A network of transformers that returns masks, in training with its own loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...network.device import choose_device
from ...network.runtimes.transformers_weights import load_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from ..loop.hyperparameters import Schedule

    Masks = Sequence[NDArray[np.bool_]]
    Target = tuple[Masks, Sequence[NDArray[np.int64]]]


class MaskLearner:
    """A network with its optimizer; statistics of its batch norms stay as they are.

    The loss compares each object with the query that suits it best: Carion et al., 2020,
    https://doi.org/10.1007/978-3-030-58452-8_13.
    """

    def __init__(
        self, options: Schedule, folder: Path, classes: tuple[str, ...], device: str
    ) -> None:
        import torch

        torch.manual_seed(options.seed)
        self.options, self.device = options, choose_device(device)
        self.network = load_network(folder, classes).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )

    @property
    def averaged(self) -> nn.Module:
        """The network whose weights are kept."""
        return self.network

    def step(
        self, image: Sequence[NDArray[np.float32]], target: Target, rate: float, parts: int = 1
    ) -> float:
        """Train on a batch and return its loss; if it is not finite, nothing changes."""
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        self._train()
        size, loss = math.ceil(len(image) / parts), 0.0
        for start in range(0, len(image), size):
            part = slice(start, start + size)
            share = len(image[part]) / len(image)
            loss += self._add_gradient(image[part], (target[0][part], target[1][part]), share)
            if not math.isfinite(loss):
                return loss
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if not math.isfinite(float(norm)):
            return math.nan
        self.optimizer.step()
        return loss

    def _add_gradient(
        self, images: Sequence[NDArray[np.float32]], target: Target, share: float
    ) -> float:
        import torch

        masks, classes = target
        found = self.network(
            pixel_values=torch.from_numpy(np.stack(images)).to(self.device),
            mask_labels=[torch.from_numpy(m).float().to(self.device) for m in masks],
            class_labels=[torch.from_numpy(c).to(self.device) for c in classes],
        )
        loss = found.loss.sum() * share
        if math.isfinite(float(loss.detach())):
            loss.backward()
        return float(loss.detach())

    def _train(self) -> None:
        self.network.train()
        for module in self.network.modules():
            if "BatchNorm" in type(module).__name__:
                module.eval()

    def parts(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        import torch

        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),  # the loss compares random points
        }

    def restore(self, parts: dict[str, Any]) -> None:
        """Restore what `parts` returned."""
        import torch

        torch.set_rng_state(parts["random"].cpu())
        self.network.load_state_dict(parts["network"])
        self.optimizer.load_state_dict(parts["optimizer"])
