"""What a network returned for an image with ground truth, to be decoded with any parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..heads.scored_masks import Masks
from ..metrics.match import match
from ..metrics.reliability import true_ones
from .collect.mask_resolver import MaskResolver

if TYPE_CHECKING:
    from ..models.model_info import ModelInfo
    from .collect.mask_collector import CollectedMasks
    from .maps.network_grid import NetworkGrid
    from .masks.kept_masks import KeptMasks
    from .setup.run_setup import RunSetup

Labels = NDArray[np.integer]


class Predicted(Protocol):
    """Maps or masks of an image, and its ground truth."""

    def score(self, info: ModelInfo) -> float:
        """Return the mean AP of the image with the parameters of a description."""
        ...

    def matched(self, info: ModelInfo) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the evidence for each object, and whether it is a true positive."""
        ...


@dataclass(frozen=True, eq=False)
class PredictedMaps:
    """The prediction maps of an image, and its ground truth."""

    setup: RunSetup
    ground_truth: Labels
    grid: NetworkGrid
    maps: Sequence[NDArray[np.float16]]

    def score(self, info: ModelInfo) -> float:
        """Return the mean AP of the image with the parameters of a description."""
        labels, count = [], 0
        for maps in self.maps:
            own = np.zeros(self.grid.shape, np.int64)
            if maps.size:
                objects = self.setup.parts(maps).objects
                assert objects is not None
                decoded = self.setup.strategy.decode(objects, info.head, info.min_size)
                own = self.grid.labels_back(decoded).astype(np.int64)
            labels.append(np.where(own > 0, own + count, 0))
            count += int(own.max(initial=0))
        return mean_ap(np.stack(labels).reshape(self.ground_truth.shape), self.ground_truth)

    def matched(self, info: ModelInfo) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the evidence for each object, and whether it is a true positive."""
        planes = self.ground_truth.reshape(len(self.maps), *self.grid.shape)
        evidence = [np.zeros((0, len(info.head.evidence_names)))]
        true = [np.zeros(0, np.bool_)]
        for maps, plane in zip(self.maps, planes, strict=True):
            if not maps.size:
                continue
            parts = self.setup.parts(maps)
            decoded = self.setup.strategy.decode_objects(parts, info.head, info.min_size)
            found = decoded.on(self.grid).large(1)
            evidence.append(found.evidence)
            true.append(true_ones(found.labels, plane))
        return np.concatenate(evidence), np.concatenate(true)


@dataclass(frozen=True, eq=False)
class PredictedMasks:
    """The objects that a network found in an image, with low scores too, and its ground truth."""

    setup: RunSetup
    ground_truth: Labels
    masks: KeptMasks
    scale: float

    def score(self, info: ModelInfo) -> float:
        """Return the mean AP of the image with the parameters of a description."""
        return mean_ap(np.asarray(self._found(info).labels.array), self.ground_truth)

    def matched(self, info: ModelInfo) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the evidence for each object, and whether it is a true positive."""
        found = self._found(info)
        true = true_ones(np.asarray(found.labels.array), self.ground_truth)
        return found.scores[:, None], true

    def _found(self, info: ModelInfo) -> CollectedMasks:
        assert isinstance(info.head, Masks)
        resolver = MaskResolver(self.setup, info.head, info.min_size)
        indices = np.ndindex(*self.setup.planes.image.shape[1:-2])
        for index, plane in zip(indices, self.masks.planes, strict=True):
            resolver.add(index, plane, self.scale)
        return resolver.collected()


def mean_ap(found: Labels, ground_truth: Labels) -> float:
    """Return AP = TP / (TP + FP + FN), averaged over IoU 0.5 to 0.9."""
    return float(np.mean([m.ap for m in match(found, ground_truth)]))
