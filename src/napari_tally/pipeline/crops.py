"""Training data: augmented crops with their targets, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from .augment import IMAGE, LABELS, Augmentation

if TYPE_CHECKING:
    from ..heads.base import Head


@dataclass(frozen=True)
class Sample:
    """A normalized image, shape (C, *spatial), float32, with its labels, shape (*spatial).

    `weight` is how often it is drawn, compared with the others.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.integer]
    weight: float = 1.0


class Crops(Dataset[tuple[Any, Any]]):
    """Crop number `i` of a training run; the same for the same seed, whoever asks for it.

    Images of the same weight are equally likely, however large they are.
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
    ) -> None:
        self.samples, self.head, self.count, self.seed = samples, head, count, seed
        self.first, self.patch = first, patch
        self.transform = augmentation.transform(patch)
        weights = np.array([sample.weight for sample in samples])
        self.shares = weights / weights.sum()

    def __len__(self) -> int:
        return self.count - self.first

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        import torch

        rng = np.random.default_rng([self.seed, self.first + index])
        sample = self.samples[int(rng.choice(len(self.samples), p=self.shares))]
        self.transform.set_random_state(seed=int(rng.integers(2**31)))
        crop = self.transform(
            {
                IMAGE: torch.from_numpy(sample.image),
                LABELS: torch.from_numpy(sample.labels[None].astype(np.float32)),
            }
        )
        labels = np.asarray(crop[LABELS])[0].round().astype(np.int32)
        target = self.head.encode(self.head.mended(labels))
        image = torch.as_tensor(np.ascontiguousarray(crop[IMAGE], dtype=np.float32))
        return image, torch.from_numpy(target)
