"""Regions head: classes that overlap, such as a tumour and its core."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .base import CERTAIN, Head, Kind, Labels, MapParts, Maps

if TYPE_CHECKING:
    from torch import Tensor

MOST = 16  # regions, which are the bits of a code


class Regions(Head):
    """Each class has its own probability, and a voxel may belong to several.

    In the class image smaller regions are in front of larger ones; measurements of classes are of
    the whole regions. There is no channel of the background.
    """

    kind: ClassVar[Kind] = "classes"
    overlaps: ClassVar[bool] = True
    is_trainable: ClassVar[bool] = False
    resamples_maps: ClassVar[bool] = True
    domain: ClassVar[str] = "Classes that may overlap."

    name: Literal["regions"] = "regions"
    classes: tuple[str, ...] = Field(
        ("object",), min_length=1, max_length=MOST, description="Names, in the order of channels"
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="Minimum probability of a class")

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes

    def split_maps(self, maps: Maps, ndim: int) -> MapParts:
        parts = super().split_maps(maps, ndim)
        return MapParts(classes=parts.objects, spread=parts.spread)

    def channels(self, ndim: int) -> int:
        return len(self.classes)

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return self.classes

    def activate(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def decode(self, maps: Maps) -> Labels:
        return self.classes_of(self.class_codes(maps), None)[0]

    def class_codes(self, maps: Maps) -> Labels:
        """Return a number per voxel whose bits are the classes that it belongs to."""
        maps = self.checked(maps)
        codes = np.zeros(maps.shape[1:], np.uint16)
        for number, probability in enumerate(maps):
            codes |= (probability >= self.threshold).astype(np.uint16) << np.uint16(number)
        return codes

    def classes_of(
        self, codes: Labels, objects: Labels | None
    ) -> tuple[Labels, NDArray[np.float64] | None]:
        """Return class ids: of each voxel, the smallest of its regions."""
        masks = self.masks(codes)
        sizes = [int(np.count_nonzero(mask)) for mask in masks]
        classes = np.zeros(codes.shape, np.uint16)
        for number in sorted(range(len(masks)), key=lambda i: (-sizes[i], i)):
            classes[masks[number]] = number + 1
        return classes, None

    def masks(self, codes: Labels) -> list[NDArray[np.bool_]]:
        """Return the voxels of each class."""
        bits = (np.uint16(1) << np.uint16(i) for i in range(len(self.classes)))
        return [(codes & bit) > 0 for bit in bits]

    def certainty(self, maps: Maps, spread: Maps | None = None) -> NDArray[np.uint16]:
        best = self.checked(maps).max(0) - (0 if spread is None else spread)
        whole: NDArray[np.uint16] = np.rint(np.clip(best, 0, 1) * CERTAIN).astype(np.uint16)
        return whole

    def foreground(self, maps: Maps) -> Maps:
        """Return the probability that a voxel belongs to any class."""
        probability: Maps = maps.max(axis=0)
        return probability
