"""Training data: augmented crops with their targets, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from .changes import IMAGE, LABELS
from .sample import Sample

if TYPE_CHECKING:
    from torch import Tensor

    from ..heads.base import Head
    from .augment import Augmentation, Seeded

__all__ = ["Crops", "Sample"]


class Crops(Dataset[tuple["Tensor", "Tensor"]]):
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
        own = ("transform", "_beside")
        return {name: value for name, value in vars(self).items() if name not in own}

    @cached_property
    def transform(self) -> Seeded:
        """What changes a crop."""
        return self.augmentation.transform(self.patch)

    @cached_property
    def _beside(self) -> ThreadPoolExecutor:
        """A thread, which ends with these crops."""
        return ThreadPoolExecutor(1)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, labels, known = self._changed(index)
        return image, self._target(labels, known)

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        """Return several crops; where there is a core for it, a thread makes targets meanwhile."""
        import torch

        if torch.get_num_threads() == 1:
            return [self[index] for index in indices]
        images: list[Tensor] = []
        targets: dict[int, Tensor] = {}
        todo: SimpleQueue[tuple[int, Any, Any] | None] = SimpleQueue()

        def make_targets() -> None:
            while (one := todo.get()) is not None:
                targets[one[0]] = self._target(*one[1:])

        beside = self._beside.submit(make_targets)
        try:
            for number, index in enumerate(indices):
                image, labels, known = self._changed(index)
                images.append(image)
                todo.put((number, labels, known))
        finally:
            todo.put(None)  # one for each of the two
            todo.put(None)
        make_targets()
        beside.result()
        return [(image, targets[number]) for number, image in enumerate(images)]

    def _changed(self, index: int) -> tuple[Tensor, NDArray[np.integer], NDArray[Any] | None]:
        """Return the image of a crop, its labels, and where these are known."""
        import torch

        rng = np.random.default_rng([self.seed, self.first + index])
        sample = self.samples[int(np.searchsorted(self.bounds, rng.random(), side="right"))]
        sample = sample.around(self._place(sample, rng), self.window)
        both: dict[Hashable, Any] = {IMAGE: torch.from_numpy(sample.image), LABELS: _both(sample)}
        crop = self.transform(both, seed=int(rng.integers(2**31)))
        labels, *known = crop[LABELS].to(torch.int32).numpy()
        image = crop[IMAGE].to(torch.float32).contiguous()
        return image, self.head.mended(labels), known[0] if known else None

    def _target(self, labels: NDArray[np.integer], known: NDArray[Any] | None) -> Tensor:
        import torch

        target = self.head.encode(labels)
        if known is not None:
            target[:, known == 0] = np.nan
        return torch.from_numpy(target)

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
