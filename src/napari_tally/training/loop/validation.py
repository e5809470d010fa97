"""What a network finds in whole images, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.progress import Step, Steps
from ...network.tiling import Inference
from ..data.partial_labels import scored
from .score import score_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from ...heads.base import Head, Maps
    from ..data.sample import Sample
    from .recipe import Recipe
    from .score import Score

    Found = list[NDArray[np.integer]]

VALIDATE = "validate"


def found_steps(
    network: nn.Module,
    options: Recipe,
    device: torch.device,
    dtype: torch.dtype,
    samples: Sequence[Sample],
) -> Steps[Found]:
    """Decode what a network sees in images; yield after every window."""
    head, found = options.head, []
    inference = Inference(
        network, head.activate, options.architecture.stride, device, dtype, options.tiling
    )
    for number, sample in enumerate(samples):
        maps = yield from _told(inference.steps(sample.image), number, len(samples))
        found.append(head.decode(maps))
    return found


def compared(head: Head, found: Found, samples: Sequence[Sample]) -> Score:
    """Score what was found, where the labels are known."""
    hidden = [scored(head, f, s.known) for f, s in zip(found, samples, strict=True)]
    truth = [scored(head, sample.labels, sample.known) for sample in samples]
    return score_of(head, hidden, truth)


def _told(steps: Steps[Maps], done: int, total: int) -> Steps[Maps]:
    """Tell of each window of an image that the image is under way."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            maps: Maps = stop.value
            return maps
        yield Step(VALIDATE, done, total)
