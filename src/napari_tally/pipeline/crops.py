"""Training data: augmented crops with their targets, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.jit import at_most
from .changes import IMAGE, LABELS
from .sample import Sample

if TYPE_CHECKING:
    from torch import Tensor

    from ..heads.base import Head
    from .augment import Augmentation, Seeded

__all__ = ["Crops", "Sample"]


@dataclass(frozen=True)
class _Changed:
    """The image of a crop, shape (C, *patch), its labels, and where these are known."""

    image: Tensor
    labels: NDArray[np.integer]
    known: NDArray[Any] | None


class Crops:
    """Crop number `i` of a training run; the same for the same seed, whoever asks for it.

    Images of the same weight are equally likely, however large they are. A share of the crops,
    `foreground`, lies around something labelled; where only a part of an image is labelled, the
    others lie around a voxel of that part.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        head: Head,
        augmentation: Augmentation,
        patch: tuple[int, ...],
        count: int,
        seed: int,
        first: int = 0,
        foreground: float = 0.0,
    ) -> None:
        self.samples, self.head, self.count, self.seed = samples, head, count, seed
        self.first, self.foreground = first, foreground
        self.augmentation, self.patch = augmentation, patch
        self.window = augmentation.window(patch)
        weights = np.array([sample.weight for sample in samples])
        self.bounds = np.cumsum(weights / weights.sum())[:-1]

    def __len__(self) -> int:
        return self.count - self.first

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what each process makes for itself."""
        return {name: value for name, value in vars(self).items() if name != "transform"}

    @cached_property
    def transform(self) -> Seeded:
        """What changes a crop."""
        return self.augmentation.transform(self.patch)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        images, targets = self.batch([index])
        return images[0], targets[0]

    def batch(self, indices: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Return the images and targets of several crops, both of shape (B, C, *patch)."""
        import torch

        crops = [self._changed(index) for index in indices]
        channels = self.head.channels(len(self.patch))
        targets = np.empty((len(crops), channels, *self.patch), np.float32)
        with at_most(torch.get_num_threads()):
            self.head.encode_all(np.stack([crop.labels for crop in crops]), targets)
        for crop, target in zip(crops, targets, strict=True):
            if crop.known is not None:
                target[:, crop.known == 0] = np.nan
        return torch.stack([crop.image for crop in crops]), torch.from_numpy(targets)

    def _changed(self, index: int) -> _Changed:
        import torch

        rng = np.random.default_rng([self.seed, self.first + index])
        sample = self.samples[int(np.searchsorted(self.bounds, rng.random(), side="right"))]
        sample = sample.around(self._place(sample, rng), self.window)
        both: dict[Hashable, Any] = {IMAGE: torch.from_numpy(sample.image), LABELS: _both(sample)}
        crop = self.transform(both, seed=int(rng.integers(2**31)))
        labels, *known = crop[LABELS].to(torch.int32).numpy()
        image = crop[IMAGE].to(torch.float32).contiguous()
        return _Changed(image, self.head.mended(labels), known[0] if known else None)

    def _place(self, sample: Sample, rng: np.random.Generator) -> tuple[int, ...]:
        """Return the voxel around which the crop lies."""
        if self.foreground and rng.random() < self.foreground and sample.ids:
            return sample.place(sample.ids[int(rng.integers(len(sample.ids)))], rng)
        known = sample.known_place(rng)
        return sample.any_place(self.window, rng) if known is None else known


def _both(sample: Sample) -> Tensor:
    """Return labels, and where they are known unless they are everywhere, as channels."""
    import torch

    labels, known = sample.labels, sample.known
    parts = labels[None] if known is None else np.stack([labels, known.astype(labels.dtype)])
    return torch.from_numpy(parts.astype(np.float32))
