"""Semantic head: one channel per class; classes are mutually exclusive."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..core.connected_components import components
from ..core.errors import InputError
from .base import CERTAIN, Head, Kind, LabelClasses, Labels, MapParts, Maps
from .class_ids import numbered_classes
from .masked_losses import dice_ce_loss, known_part
from .validation_score import LabelImages, Score, mean_dice

if TYPE_CHECKING:
    from torch import Tensor


class Semantic(Head):
    """The most probable class of each voxel; class 0 is the background.

    The labels of `encode` and `decode` are class ids. Objects, on request, are the connected
    components of each class.
    """

    kind: ClassVar[Kind] = "classes"
    resamples_maps: ClassVar[bool] = True  # smoother edges, and thin structures are kept
    domain: ClassVar[str] = "Class ids from 0 to the number of classes."

    name: Literal["semantic"] = "semantic"
    classes: tuple[str, ...] = Field(("object",), min_length=1, description="Without background")
    weights: tuple[float, ...] = Field(
        (), description="Class weights in training, the background first; all equal if empty"
    )

    largest: tuple[int, ...] = Field(
        (),
        description="Class ids of which only the largest connected component is kept",
        exclude_if=lambda largest: not largest,
    )

    @model_validator(mode="after")
    def _one_weight_each(self) -> Semantic:
        if self.weights and len(self.weights) != len(self.classes) + 1:
            raise ValueError(
                f"{len(self.weights)} weights for {len(self.classes)} classes: give one for the "
                "background and one per class"
            )
        if any(w <= 0 for w in self.weights):
            raise ValueError(f"weights must be positive, not {self.weights}")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes

    @classmethod
    def planned(cls, classes: LabelClasses, objects: Head) -> Head:
        return cls(classes=classes.names, weights=classes.weights)

    def split_maps(self, maps: Maps, ndim: int) -> MapParts:
        parts = super().split_maps(maps, ndim)
        return MapParts(classes=parts.objects, spread=parts.spread)

    def channels(self, ndim: int) -> int:
        return len(self.classes) + 1

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return ("background", *self.classes)

    def in_domain(self, labels: Labels) -> bool:
        return 0 <= int(labels.min(initial=0)) <= int(labels.max(initial=0)) <= len(self.classes)

    def repaired(self, labels: Labels) -> Labels:
        return labels

    def prepare_labels(
        self, labels: Labels, classes: Labels | None, class_ids: tuple[int, ...], name: str
    ) -> Labels:
        return numbered_classes(labels, class_ids, name)

    def score(self, found: LabelImages, ground_truth: LabelImages) -> Score:
        return mean_dice(found, ground_truth, self.classes)

    def encode(self, labels: Labels) -> NDArray[np.float32]:
        if not self.in_domain(labels):
            raise InputError(
                f"The labels have class ids from {labels.min()} to {labels.max()}",
                hint=f"Use class ids from 0 to {len(self.classes)}",
            )
        ids = np.arange(self.channels(labels.ndim)).reshape(-1, *(1,) * labels.ndim)
        maps: NDArray[np.float32] = (labels[None] == ids).astype(np.float32)
        return maps

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        import torch

        target, known = known_part(target)
        weight = torch.tensor(self.weights, device=output.device) if self.weights else None
        return dice_ce_loss(output, target, known, weight)

    def activate(self, output: Tensor) -> Tensor:
        return output.softmax(1)

    def decode(self, maps: Maps) -> Labels:
        maps = self.checked(maps)
        best, out = maps[0].copy(), np.zeros(maps.shape[1:], np.uint16)
        for number, probability in enumerate(maps[1:], start=1):
            better = probability > best
            out[better] = number
            np.maximum(best, probability, out=best)
        return out

    def class_codes(self, maps: Maps) -> Labels:
        return self.decode(maps)

    def classes_of(
        self, codes: Labels, objects: Labels | None
    ) -> tuple[Labels, NDArray[np.float64] | None]:
        """Return class ids without the smaller components of the classes that have one."""
        for number in self.largest:
            parts = components(codes == number)
            sizes = np.bincount(parts.ravel())
            if len(sizes) > 2:
                codes = np.where((parts > 0) & (parts != sizes[1:].argmax() + 1), 0, codes)
        return codes, None

    def certainty(self, maps: Maps, spread: Maps | None = None) -> NDArray[np.uint16]:
        best = self.checked(maps).max(0) - (0 if spread is None else spread)
        best = np.clip(best, 0, 1)
        whole: NDArray[np.uint16] = np.rint(best * CERTAIN).astype(np.uint16)
        return whole
