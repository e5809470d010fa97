"""Objects from border classes, distance and offsets to the centre, trained and decoded together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, Field

from ..core.connected_components import are_connected
from ..core.jit import compiled
from ..core.label_ids import without
from .base import Head, Labels, Maps
from .border_classes import BACKGROUND, BORDER, BORDER_NAMES, INSIDE, border_classes, border_loss
from .decoding.center_votes import join_votes
from .decoding.seeded_growth import grow
from .encoding.targets import centers, normalized_distance
from .masked_losses import known_part, mean_known
from .object_evidence import Evidence, slabs
from .object_tests import confident, consistent, not_tiny, offset_error

if TYPE_CHECKING:
    from torch import Tensor

DISTANCE = 3  # the channel; the offsets follow


class Center(Head):
    """Background, inside, border; distance to the border (0..1); offset to the centre (voxels).

    All are decoded together: confident inside (or border) voxels are merged where they vote for the
    same centre, inner ones first; fragments without a core are removed; the others grow over the
    uncertain border. Objects that fail a test (`object_tests`) are then removed: dim or
    out-of-focus ones have a lower mean probability.
    """

    joins_views: ClassVar[bool] = True
    domain: ClassVar[str] = "Every object is connected (full connectivity)."

    tunable: ClassVar[tuple[str, ...]] = (
        "tolerance", "core", "mean_probability", "offset_error", "relative_size",
    )  # fmt: skip
    evidence_names: ClassVar[tuple[str, ...]] = ("probability", "seed", "scatter", "border")

    name: Literal["center"] = "center"
    threshold: float = Field(
        0.75, gt=0, lt=1, description="Minimum probability of a voxel of an object"
    )
    core: float = Field(0.5, gt=0, lt=1, description="Minimum probability of inside in a core")
    least_core: int = Field(8, ge=1, description="Minimum core of an uncertain object, in voxels")
    sure: float = Field(0.95, gt=0, le=1, description="Probability from which a class is certain")
    certain: float = Field(
        0.99, gt=0, le=1, description="Minimum mean probability of a fragment without core"
    )
    mean_probability: float = Field(
        0.0, ge=0, lt=1, description="Minimum mean probability of an object",
        validation_alias=AliasChoices("mean_probability", "confidence"),  # its former name
    )  # fmt: skip
    offset_error: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Maximum error of an object's centre votes (mean squared distance, in radii); "
        "1 for no test",
    )
    relative_size: float = Field(
        0.0, ge=0, lt=1, description="Minimum size of an object, relative to the typical size"
    )
    tolerance: float = Field(
        0.9,
        gt=0,
        description="Maximum distance between the centres that one object votes for, in radii",
    )
    scatter: float = Field(
        3.0,
        gt=0,
        description="Maximum distance between these centres, in deviations of the votes",
    )
    offset_scale: float = Field(8.0, gt=0, description="Voxels of offset in one unit of output")
    border_weight: float = Field(2.0, gt=0, description="Weight of the border class in training")
    gap_weight: float = Field(
        5.0, ge=0, description="Additional weight of borders between touching objects in training"
    )

    def channels(self, ndim: int) -> int:
        return 4 + ndim

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return (*BORDER_NAMES, "distance", *(f"offset {axis}" for axis in "zyx"[-ndim:]))

    def in_domain(self, labels: Labels) -> bool:
        return are_connected(labels)

    def encode(self, labels: Labels) -> NDArray[np.float32]:
        return np.concatenate(
            [border_classes(labels), normalized_distance(labels)[None], _offsets(labels)]
        )

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        from torch.nn import functional as F

        classes, distance, offset = output[:, :3], output[:, 3:4], output[:, 4:]
        loss = border_loss(classes, target[:, :3], self.border_weight, self.gap_weight)
        target, known = known_part(target)
        inside = (1 - target[:, :1]) * known
        away = F.smooth_l1_loss(distance, target[:, 3:4], beta=0.1, reduction="none")
        loss = loss + mean_known(away, known)
        error = F.smooth_l1_loss(
            offset, target[:, 4:] / self.offset_scale, beta=0.1, reduction="none"
        )
        return loss + (error * inside).sum() / inside.sum().clamp(min=1)

    def activate(self, output: Tensor) -> Tensor:
        import torch

        classes, distance, offset = output[:, :3], output[:, 3:4], output[:, 4:]
        return torch.cat([classes.softmax(1), distance.clamp(0, 1), offset * self.offset_scale], 1)

    def decode(self, maps: Maps) -> Labels:
        maps = self.checked(maps)
        mask = maps[BACKGROUND] < 1 - self.threshold
        voting = mask & ((maps[INSIDE] > self.core) | (maps[BORDER] > self.sure))
        offsets = maps[DISTANCE + 1 :]
        seeds = join_votes(_seediness(maps), offsets, voting, self.tolerance, self.scatter)
        seeds = without(seeds, self._weak(seeds, maps))
        labels = grow(seeds, 1 - maps[BORDER], mask)
        if self.mean_probability:
            labels = confident(labels, 1 - maps[BACKGROUND], self.mean_probability)
        if self.offset_error < 1:
            error = offset_error(labels, offsets, _offsets(labels))
            labels = consistent(labels, error, self.offset_error)
        return not_tiny(labels, self.relative_size) if self.relative_size else labels

    def vectors(self, ndim: int) -> tuple[int, ...]:
        return tuple(range(DISTANCE + 1, DISTANCE + 1 + ndim))

    def evidence(
        self, maps: Maps, labels: Labels, spread: Maps | None = None
    ) -> NDArray[np.float64]:
        """Return mean foreground, maximum seediness, scatter of votes, and mean border on the rim.

        The scatter is the logarithm of the standard deviation of the centre votes, in radii of the
        object.
        """
        found = Evidence(labels)
        for part in slabs(labels.shape):
            own = self.checked(maps[:, part])
            foreground = self.foreground(own) - (0 if spread is None else spread[part])
            offsets = own[DISTANCE + 1 :]
            found.add(part.start, foreground, _seediness(own), own[BORDER], offsets)
        return found.features()

    def _weak(self, seeds: NDArray[np.int32], maps: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which seeds (by id) are fragments: a small core, and an uncertain class."""
        classes = (maps[INSIDE].ravel(), maps[BORDER].ravel())
        size, cores, certainty = _weighed(seeds.ravel(), *classes, np.float32(self.core))
        weak: NDArray[np.bool_] = (cores < self.least_core) & (certainty < self.certain * size)
        return weak


def _seediness(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how deep a voxel is inside an object, from 0 to 1."""
    seediness: NDArray[np.float32] = (2 * maps[INSIDE] + maps[DISTANCE]) / 3
    return seediness


@compiled()
def _weighed(
    seeds: NDArray[np.int32],
    inside: NDArray[np.float32],
    border: NDArray[np.float32],
    core: np.float32,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the size of each seed, the size of its core, and its summed certainty."""
    n = int(seeds.max()) + 1 if seeds.size else 1
    size, cores, certainty = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
    for i in range(seeds.size):
        if seeds[i] > 0:
            size[seeds[i]] += 1
            cores[seeds[i]] += inside[i] > core
            certainty[seeds[i]] += max(inside[i], border[i])
    return size, cores, certainty


def _offsets(labels: Labels) -> NDArray[np.float32]:
    """Return the vector from each voxel of an object to its centre, shape (ndim, *spatial)."""
    offsets = np.zeros((labels.ndim, *labels.shape), np.float32)
    foreground = labels > 0
    to = centers(labels)[labels[foreground]]
    offsets[:, foreground] = (to - np.argwhere(foreground)).T
    return offsets
