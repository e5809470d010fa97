"""Training patches: augmented, with their targets, in an order set by a seed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import at_most
from ..augment.chain import IMAGE, LABELS
from .sample import Sample

if TYPE_CHECKING:
    from torch import Tensor

    from ...heads.base import Head
    from ..augment.augmentation import Augmentation
    from ..augment.chain import Chain

__all__ = ["Patches", "Sample"]


class Patches:
    """Patch number `i` of a training run; the same for the same seed in every process.

    Images of the same weight are equally likely, however large they are. A share of the patches,
    `foreground`, is centred on a labelled voxel; where only a region of an image is annotated, the
    others are centred on a voxel of it.
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
        """Leave out the transform, which each process creates itself."""
        return {name: value for name, value in vars(self).items() if name != "transform"}

    @cached_property
    def transform(self) -> Chain:
        """The augmentation of a patch."""
        return self.augmentation.transform(self.patch)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        images, targets = self.batch([index])
        return images[0], targets[0]

    def batch(
        self, indices: Sequence[int], wait: Callable[[], object] = lambda: None
    ) -> tuple[Tensor, Tensor]:
        """Return the images and targets of several patches, both of shape (B, C, *patch).

        Each stage runs on all of them in a row, with its code and data in the processor's cache.

        Parameters
        ----------
        wait : callable
            Called before a patch is augmented.
        """
        import torch

        drawn = [self._drawn(index) for index in indices]
        augmented = []
        for both, seed in drawn:
            wait()
            augmented.append(self._augmented(both, seed))
        labels = np.stack([self.head.repaired(labels) for _, labels, _ in augmented])
        channels = self.head.channels(len(self.patch))
        targets = np.empty((len(labels), channels, *self.patch), np.float32)
        with at_most(torch.get_num_threads()):
            self.head.encode_all(labels, targets)
        for (*_, known), target in zip(augmented, targets, strict=True):
            if known is not None:
                target[:, known == 0] = np.nan
        return torch.stack([image for image, *_ in augmented]), torch.from_numpy(targets)

    def _drawn(self, index: int) -> tuple[dict[Hashable, Any], int]:
        """Return a window of an image, with its labels, and the seed of its augmentation."""
        import torch

        rng = np.random.default_rng([self.seed, self.first + index])
        sample = self.samples[int(np.searchsorted(self.bounds, rng.random(), side="right"))]
        sample = sample.around(self._place(sample, rng), self.window)
        both: dict[Hashable, Any] = {
            IMAGE: torch.from_numpy(sample.image),
            LABELS: _both(sample),
        }
        return both, int(rng.integers(2**31))

    def _augmented(
        self, both: dict[Hashable, Any], seed: int
    ) -> tuple[Tensor, NDArray[np.integer], NDArray[Any] | None]:
        """Return the image of a patch, its labels, and its annotated region."""
        import torch

        patch = self.transform(both, seed=seed)
        labels, *known = patch[LABELS].to(torch.int32).numpy()
        image = patch[IMAGE].to(torch.float32).contiguous()
        return image, labels, known[0] if known else None

    def _place(self, sample: Sample, rng: np.random.Generator) -> tuple[int, ...]:
        """Return the voxel on which the patch is centred."""
        if self.foreground and rng.random() < self.foreground and sample.ids:
            return sample.place(sample.ids[int(rng.integers(len(sample.ids)))], rng)
        known = sample.known_place(rng)
        return sample.any_place(self.window, rng) if known is None else known


def _both(sample: Sample) -> Tensor:
    """Return labels and, if there is one, their annotated region as channels."""
    import torch

    labels, known = sample.labels, sample.known
    parts = labels[None] if known is None else np.stack([labels, known.astype(labels.dtype)])
    return torch.from_numpy(parts.astype(np.float32))
