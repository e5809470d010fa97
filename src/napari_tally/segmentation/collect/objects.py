"""From the maps of each plane to distinct, measured objects of the whole volume."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...measurement.measure import measure_volumes
from ...objects.relabel import relabel, remove_small
from ..maps.blockwise import objects_by_block_steps
from ..maps.decoded_objects import Found
from ..maps.stack_strategies import Way
from ..setup.estimate import maps_are_large

if TYPE_CHECKING:
    import pandas as pd

    from ...core.progress import Steps
    from ...core.volume import Volume
    from ...heads.base import Head
    from ...models.model_info import ModelInfo
    from ..maps.network_grid import NetworkGrid
    from ..setup.model_input import Planes
    from ..setup.options import SegmentOptions

AS_IT_IS = Way()


_HALO, _CONTEXT = 64, 16  # px: of an object whose size is unknown; around an object


class Separation:
    """The objects found so far: ids unique over all planes, and one table."""

    def __init__(
        self,
        volume: Volume,
        planes: Planes,
        info: ModelInfo,
        options: SegmentOptions,
        way: Way = AS_IT_IS,
    ) -> None:
        self.way = way
        self.volume, self.planes, self.info, self.options = volume, planes, info, options
        self.head: Head = options.tuned(info.head)
        self.smallest = options.min_voxels(volume, planes.ndim)
        self.labels = np.zeros(planes.image.shape[1:], np.uint32)
        self.tables: list[pd.DataFrame] = []
        self.evidence = [self.no_evidence]
        self.count = 0
        self.cut = 0  # objects larger than a block

    def object_maps(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return those of the network's maps from which objects are decoded."""
        return maps

    def decoded(self, maps: NDArray[np.floating]) -> NDArray[np.integer]:
        """Return the objects of the network's own maps on their grid, without specks."""
        return AS_IT_IS.decode(self.object_maps(maps), self.head.tuned_part, self.info.min_size)

    def objects_steps(self, maps: NDArray[np.floating] | None, grid: NetworkGrid) -> Steps[Found]:
        """Return the objects of maps (None where there is nothing) on the grid of the image.

        Maps that are too large for memory are decoded block by block; every block is a step.
        """
        if maps is None:
            return Found(np.zeros(grid.shape, np.uint16), self.no_evidence)
        large = maps_are_large(maps.shape[0], math.prod(maps.shape[1:]), self.options)
        if large and self.way.by_block:
            return self.back((yield from self.by_block_steps(maps)), grid)
        return self.objects(maps, grid)

    @property
    def no_evidence(self) -> NDArray[np.float64]:
        """What is said of no objects."""
        return np.zeros((0, len(self.head.tuned_part.evidence_names)))

    def objects(self, maps: NDArray[np.floating], grid: NetworkGrid) -> Found:
        """Return the objects of maps that fit into memory, on the grid of the image."""
        parts = self.object_maps(maps), self.head.tuned_part
        return self.back(self.way.found(*parts, self.info.min_size), grid)

    def by_block_steps(self, maps: NDArray[np.floating]) -> Steps[Found]:
        """Return the objects of large maps, on their own grid."""
        sizes = self.info.preprocessing.diameter
        halo = _HALO if sizes is None else math.ceil(sizes.high / 2)
        found, cut = yield from objects_by_block_steps(maps, self.decoded_block, halo + _CONTEXT)
        self.cut += cut
        return found

    def decoded_block(self, maps: NDArray[np.floating]) -> Found:
        """Return the objects of a block of the network's own maps, on their grid."""
        return AS_IT_IS.found(self.object_maps(maps), self.head.tuned_part, self.info.min_size)

    def back(self, found: Found, grid: NetworkGrid) -> Found:
        """Return what was decoded on the network's grid on that of the image."""
        return _large(found.on(grid), self.smallest)

    def confidence(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how likely each object is a true one, or its mean probability: see `ModelInfo`."""
        calibration = self.info.confidence
        return evidence[:, 0] if calibration is None else calibration(evidence)

    def add(self, index: tuple[int, ...], objects: Found) -> None:
        """Give the objects of a plane their ids and measure them."""
        found = objects.labels
        table = self.measured(index, found)
        table["confidence"] = np.clip(self.confidence(objects.evidence), 0, 1).round(4)
        table["label"] += self.count
        for place, axis in enumerate(self.planes.lead):
            table.insert(place, axis.lower(), index[place])
        self.tables.append(table)
        self.evidence.append(objects.evidence)
        # In place: a volume may be so large that a copy of its labels matters.
        np.add(found, self.count, out=self.labels[index], where=found > 0, casting="unsafe")
        self.count += len(table)

    def measured(self, index: tuple[int, ...], labels: NDArray[np.integer]) -> pd.DataFrame:
        """Measure the objects of one plane in every channel of the volume."""
        plane = self.volume
        for axis, place in zip(self.planes.lead, index, strict=True):
            plane = plane.at(axis, place)
        axes = plane.axes.replace("C", "")
        return measure_volumes(replace(plane, array=labels, axes=axes, channel_names=()), [plane])

    def notes(self) -> list[str]:
        """Return what the user should know about how it was decoded."""
        cut = f"{self.cut:,} objects are larger than a block of the maps, and may be cut"
        return [cut] if self.cut else []

    def label_volume(self) -> Volume:
        """Return the labels with the geometry of the image."""
        small = self.count <= np.iinfo(np.uint16).max
        labels = self.labels.astype(np.uint16) if small else self.labels
        axes = self.volume.axes.replace("C", "")
        return replace(self.volume, array=labels, axes=axes, channel_names=(), is_labels=True)

    def table(self) -> pd.DataFrame:
        """Return one row an object, in the order of the ids."""
        import pandas as pd

        some = [t for t in self.tables if len(t)] or self.tables[:1]
        return pd.concat(some, ignore_index=True)

    def parts(self) -> dict[str, Any]:
        """Return the fields of a `Result` that hold what was found."""
        evidence = np.concatenate(self.evidence)
        return {"volume": self.label_volume(), "table": self.table(), "evidence": evidence}


def objects_of(
    maps: NDArray[np.floating],
    grid: NetworkGrid,
    head: Head,
    info: ModelInfo,
    smallest: float | None,
    way: Way = AS_IT_IS,
) -> NDArray[np.integer]:
    """Return the objects of maps on the image's grid, without those below `smallest` voxels."""
    labels = grid.labels_back(way.decode(maps, head, info.min_size))
    return relabel(labels) if smallest is None else remove_small(labels, int(np.ceil(smallest)))


def _large(found: Found, smallest: float | None) -> Found:
    return found.large(1 if smallest is None else int(np.ceil(smallest)))
