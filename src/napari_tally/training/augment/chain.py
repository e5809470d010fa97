"""Chains of random transforms of a training patch, all drawn from one generator.

A patch is a dict of `image` and `labels`, both tensors (C, *spatial); a transform changes the dict.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import RandomState

IMAGE, LABELS = "image", "labels"
Patch = dict[Hashable, Any]
Transform = Callable[[Patch, RandomState], None]


class Chain:
    """Transforms, one after the other, repeatable by a seed."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms, self._random = transforms, RandomState()

    def __call__(self, patch: Mapping[Hashable, Any], seed: int) -> Patch:
        """Return a transformed copy of the dict."""
        out = dict(patch)
        self._random.seed(seed)  # a new one takes longer than many a transform
        for transform in self.transforms:
            transform(out, self._random)
        return out


def sometimes(share: float, transform: Transform) -> Transform:
    """Return a transform that is made on a share of the patches."""

    def apply(patch: Patch, random: RandomState) -> None:
        if random.rand() < share:
            transform(patch, random)

    return apply


def one_of(chains: Sequence[Sequence[Transform]], shares: Sequence[float]) -> Transform:
    """Return one of several chains of transforms, drawn by their shares: MONAI's `OneOf`."""
    bounds = np.cumsum(shares)[:-1]

    def apply(patch: Patch, random: RandomState) -> None:
        for transform in chains[int(np.searchsorted(bounds, random.rand(), side="right"))]:
            transform(patch, random)

    return apply
