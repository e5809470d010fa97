"""Objects from the three classes background, inside and border."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.connected_components import components
from .base import Head, Labels, Maps
from .border_classes import BACKGROUND, BORDER, BORDER_NAMES, INSIDE, border_classes, border_loss
from .decoding.seeded_growth import grow
from .object_evidence import Evidence, slabs

if TYPE_CHECKING:
    from torch import Tensor


class Boundary(Head):
    """Decode seeds from the inside class, and grow them over the border.

    Borders have a higher weight in the loss, after the U-Net of Ronneberger et al., 2015,
    https://doi.org/10.1007/978-3-319-24574-4_28.
    """

    domain: ClassVar[str] = (
        "Every object has an inside voxel (one whose neighbours are all in the object); the inside "
        "voxels of an object are connected, and each border voxel has one as a neighbour."
    )

    tunable: ClassVar[tuple[str, ...]] = ("inside",)
    evidence_names: ClassVar[tuple[str, ...]] = ("probability", "seed", "border")

    name: Literal["boundary"] = "boundary"
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Minimum probability of a voxel of an object"
    )
    inside: float = Field(0.5, gt=0, lt=1, description="Minimum probability of a voxel of a seed")
    border_weight: float = Field(2.0, gt=0, description="Weight of the border class in training")
    gap_weight: float = Field(
        5.0, ge=0, description="Additional weight of borders between touching objects in training"
    )

    def channels(self, ndim: int) -> int:
        return 3

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return BORDER_NAMES

    def in_domain(self, labels: Labels) -> bool:
        classes = border_classes(labels)
        seeds = components(np.where(classes[INSIDE] > 0, labels, 0))
        ids = np.unique(labels[labels > 0])
        one_each = len(ids) == len(np.unique(labels[seeds > 0])) == int(seeds.max(initial=0))
        return one_each and _reached(labels, classes[INSIDE] > 0)

    def encode(self, labels: Labels) -> NDArray[np.float32]:
        return border_classes(labels)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return border_loss(output, target, self.border_weight, self.gap_weight)

    def activate(self, output: Tensor) -> Tensor:
        return output.softmax(1)

    def decode(self, maps: Maps) -> Labels:
        maps = self.checked(maps)
        mask = maps[BACKGROUND] < 1 - self.threshold
        seeds = components((maps[INSIDE] > self.inside) & mask)
        grown = grow(seeds, 1 - maps[BORDER], mask)
        # Components without a seed become objects, too.
        unseeded = components(mask & (grown == 0))
        return np.where(unseeded > 0, unseeded + seeds.max(initial=0), grown).astype(np.int32)

    def evidence(
        self, maps: Maps, labels: Labels, spread: Maps | None = None
    ) -> NDArray[np.float64]:
        """Return mean foreground, maximum inside, and mean border on the rim of each object."""
        found = Evidence(labels)
        for part in slabs(labels.shape):
            own = self.checked(maps[:, part])
            foreground = self.foreground(own) - (0 if spread is None else spread[part])
            found.add(part.start, foreground, own[INSIDE], own[BORDER])
        return found.features()[:, [0, 1, 3]]


def _reached(labels: Labels, inside: NDArray[np.bool_]) -> bool:
    """Return whether every voxel of an object is next to an inside voxel."""
    from scipy.ndimage import binary_dilation

    near = binary_dilation(inside, np.ones((3,) * labels.ndim))
    return bool(near[labels > 0].all())
