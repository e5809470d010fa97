"""Predictions on whole images, and their score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.progress import Step, Steps
from ...network.tiled_inference import Inference
from ..data.partial_labels import scored

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from ...heads.base import Head, Maps
    from ...heads.validation_score import Score
    from ..data.sample import Sample
    from .hyperparameters import Hyperparameters

    Found = list[NDArray[np.integer]]

VALIDATE = "validate"


def found_steps(
    network: nn.Module,
    options: Hyperparameters,
    device: torch.device,
    dtype: torch.dtype,
    samples: Sequence[Sample],
) -> Steps[Found]:
    """Run the network on images and decode its maps; yield after every window."""
    head, found = options.head, []
    inference = Inference(
        network, head.activate, options.architecture.stride, device, dtype, options.tiling
    )
    for number, sample in enumerate(samples):
        maps = yield from _counted(inference.steps(sample.image), number, len(samples))
        found.append(head.decode(maps))
    return found


def compared(head: Head, found: Found, samples: Sequence[Sample]) -> Score:
    """Score predicted labels in the annotated regions."""
    hidden = [scored(head, f, s.known) for f, s in zip(found, samples, strict=True)]
    ground_truth = [scored(head, sample.labels, sample.known) for sample in samples]
    return head.score(hidden, ground_truth)


def _counted(steps: Steps[Maps], done: int, total: int) -> Steps[Maps]:
    """Relay the steps of one image as part of the whole validation."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            maps: Maps = stop.value
            return maps
        yield Step(VALIDATE, done, total)
