"""Objects from the foreground and the distance to the border: each object is a hill."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.jit import compiled, inlined
from .base import Head, Labels, Maps
from .border_classes import BACKGROUND
from .decoding.padded_neighbours import steps_of
from .decoding.padding import framed_levels, looked_up
from .decoding.peaks import number_hills, numbered, passes_between, root_of
from .decoding.watershed import basins
from .encoding.targets import normalized_distance
from .masked_losses import dice_ce_loss, known_part

# isort: split
from numba import prange  # after `jit`, which configures numba

if TYPE_CHECKING:
    from torch import Tensor

DISTANCE = 2  # the channel
_LEVELS = 65_535  # of distance, enough to keep the order of voxels
_LARGE = 0.1  # error in distance above which the loss is linear


class Distance(Head):
    """Background, foreground; distance to the border, with a maximum of 1 in each object.

    Every voxel climbs to its highest neighbour, which gives hills; touching hills are one object
    unless the lower peak is higher than the pass by more than `depth`: a watershed from h-maxima
    (Soille, 2004, https://doi.org/10.1007/978-3-662-05088-0), without flooding.
    """

    domain: ClassVar[str] = (
        "The normalized distance to the border has one hill in each object (except bumps lower "
        "than `depth`), and where objects touch, each border voxel has a higher neighbour in its "
        "own object than in the other: compact objects that touch others of similar size."
    )

    tunable: ClassVar[tuple[str, ...]] = ("depth",)

    name: Literal["distance"] = "distance"
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Minimum probability of a voxel of an object"
    )
    depth: float = Field(
        0.4, ge=0, lt=1, description="Minimum height of a peak above the pass to the next object"
    )

    def channels(self, ndim: int) -> int:
        return 3

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return ("background", "foreground", "distance")

    def in_domain(self, labels: Labels) -> bool:
        """Return whether a slower watershed, with and without the labels, restores them."""
        mask = labels > 0
        height = mask + np.floor(normalized_distance(labels) * np.float32(_LEVELS - 1))  # quantized
        depth, parts = round(self.depth * (_LEVELS - 1)), (labels, mask.astype(np.int32))
        own, all_of_them = (basins(height, part, 1, depth) for part in parts)
        one_each = int(own.max(initial=0)) == len(np.unique(labels[labels > 0]))
        return one_each and np.array_equal(own, all_of_them)

    def encode(self, labels: Labels) -> NDArray[np.float32]:
        inside = labels > 0
        return np.stack([~inside, inside, normalized_distance(labels)]).astype(np.float32)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return Dice + cross-entropy of the foreground + smooth L1 of the distance in objects."""
        from torch.nn import functional as F

        target, known = known_part(target)
        classes = dice_ce_loss(output[:, :DISTANCE], target[:, :DISTANCE], known)
        error = F.smooth_l1_loss(
            output[:, DISTANCE], target[:, DISTANCE], beta=_LARGE, reduction="none"
        )
        inside = (1 - target[:, BACKGROUND]) * known[:, 0]
        return classes + (error * inside).sum() / inside.sum().clamp(min=1)

    def activate(self, output: Tensor) -> Tensor:
        import torch

        classes, distance = output[:, :DISTANCE], output[:, DISTANCE:]
        return torch.cat([classes.softmax(1), distance.clamp(0, 1)], 1)

    def decode(self, maps: Maps) -> Labels:
        maps = self.checked(maps)
        mask = maps[BACKGROUND] < 1 - self.threshold
        level = framed_levels(maps[DISTANCE], mask, _LEVELS, first=1)  # 0 is outside
        steps, flat = steps_of(level.shape), level.ravel()
        hill = np.empty(level.shape, np.int32)
        _climb(flat, steps, hill.ravel())
        hills = number_hills(hill.ravel()) + 1
        pairs, passes = passes_between(hill.ravel(), flat, steps, hills)
        peaks = _peaks(hill.ravel(), flat, hills)
        parent = _merge_hills(pairs, passes, peaks, round(self.depth * (_LEVELS - 1)))
        return looked_up(numbered(parent, 1), hill)


@inlined
def _above(level: NDArray[np.uint16], steps: NDArray[np.int64], i: int) -> int:
    """Return the highest neighbour of a voxel, or the voxel itself; the first in case of ties."""
    best, top = i, level[i]
    for step in steps:
        j = i + step
        if level[j] > top or (level[j] == top and j < best):
            best, top = j, level[j]
    return best


@compiled(parallel=True)
def _climb(level: NDArray[np.uint16], steps: NDArray[np.int64], up: NDArray[np.int32]) -> None:
    """Write the index of the neighbour to which each voxel climbs, -1 outside."""
    for i in prange(level.size):
        up[i] = _above(level, steps, i) if level[i] > 0 else -1


@compiled()
def _peaks(hill: NDArray[np.int32], level: NDArray[np.uint16], hills: int) -> NDArray[np.int64]:
    """Return the height of each hill."""
    peaks = np.zeros(hills, np.int64)
    for i in range(hill.size):
        peaks[hill[i]] = max(peaks[hill[i]], level[i])
    return peaks


@compiled()
def _merge_hills(
    pairs: NDArray[np.int64], passes: NDArray[np.uint16], peaks: NDArray[np.int64], depth: int
) -> NDArray[np.int32]:
    """Return the parents of hills, merged unless the lower peak is well above their pass.

    Passes are sorted from the highest down, so all merges over higher passes are done when a pass
    is compared with the peaks of its two sets of hills.
    """
    n = peaks.size
    parent = np.arange(n).astype(np.int32)
    for k in range(pairs.size):
        a, b = root_of(parent, pairs[k] // n), root_of(parent, pairs[k] % n)
        if peaks[a] < peaks[b]:
            a, b = b, a
        if a != b and peaks[b] - np.int64(passes[k]) <= depth:
            parent[b] = a
    return parent
