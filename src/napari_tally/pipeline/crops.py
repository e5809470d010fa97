"""Training data: augmented crops with their targets, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import Dataset

from .augment import IMAGE, LABELS, Augmentation, Seeded
from .sample import Sample

if TYPE_CHECKING:
    from ..heads.base import Head

__all__ = ["Crops", "Sample"]


class Crops(Dataset[tuple[Any, Any]]):
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
        """Leave out the transform, which each process makes for itself."""
        return {name: value for name, value in vars(self).items() if name != "transform"}

    @cached_property
    def transform(self) -> Seeded:
        """What changes a crop."""
        return self.augmentation.transform(self.patch)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        import torch

        rng = np.random.default_rng([self.seed, self.first + index])
        sample = self.samples[int(np.searchsorted(self.bounds, rng.random(), side="right"))]
        sample = sample.around(self._place(sample, rng), self.window)
        both: dict[Hashable, Any] = {IMAGE: torch.from_numpy(sample.image), LABELS: _both(sample)}
        crop = self.transform(both, seed=int(rng.integers(2**31)))
        labels, *known = np.asarray(crop[LABELS]).round().astype(np.int32)
        target = self.head.encode(self.head.mended(labels))
        for unknown in known:
            target[:, unknown == 0] = np.nan
        image = torch.as_tensor(np.ascontiguousarray(crop[IMAGE], dtype=np.float32))
        return image, torch.from_numpy(target)

    def _place(self, sample: Sample, rng: np.random.Generator) -> tuple[int, ...]:
        """Return the voxel around which the crop lies."""
        if self.foreground and rng.random() < self.foreground and sample.ids:
            return sample.place(sample.ids[int(rng.integers(len(sample.ids)))], rng)
        known = sample.known_place(rng)
        return sample.any_place(self.window, rng) if known is None else known


def _both(sample: Sample) -> Any:
    """Return labels, and where they are known unless they are everywhere, as channels."""
    import torch

    parts = [sample.labels] if sample.known is None else [sample.labels, sample.known]
    return torch.from_numpy(np.stack(parts).astype(np.float32))
