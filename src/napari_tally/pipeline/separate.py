"""From the maps of each plane to distinct, measured objects of the whole volume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..objects.relabel import relabel, remove_small
from .measure import measure_volumes
from .stack import Way

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume
    from ..heads.base import Head
    from ..models.info import ModelInfo
    from .grid import NetworkGrid
    from .options import SegmentOptions
    from .prepare import Planes

_AS_IT_IS = Way()


class Separation:
    """The objects found so far: ids unique over all planes, and one table."""

    def __init__(
        self,
        volume: Volume,
        planes: Planes,
        info: ModelInfo,
        options: SegmentOptions,
        way: Way = _AS_IT_IS,
    ) -> None:
        self.way = way
        self.volume, self.planes, self.info, self.options = volume, planes, info, options
        self.head: Head = options.tuned(info.head)
        self.smallest = options.min_voxels(volume, planes.ndim)
        self.labels = np.zeros(planes.image.shape[1:], np.uint32)
        self.tables: list[pd.DataFrame] = []
        self.count = 0

    def decoded(self, maps: NDArray[np.floating]) -> NDArray[np.integer]:
        """Return the objects of the network's own maps on their grid, without specks."""
        return _AS_IT_IS.decode(maps, self.head, self.info.min_size)

    def objects(self, maps: NDArray[np.floating] | None, grid: NetworkGrid) -> NDArray[np.integer]:
        """Return the objects of maps (None where there is nothing) on the grid of the image."""
        if maps is None:
            return np.zeros(grid.shape, np.uint16)
        return objects_of(maps, grid, self.head, self.info, self.smallest, self.way)

    def add(self, index: tuple[int, ...], found: NDArray[np.integer]) -> None:
        """Give the objects of a plane their ids and measure them."""
        table = self.measured(index, found)
        table["label"] += self.count
        for place, axis in enumerate(self.planes.lead):
            table.insert(place, axis.lower(), index[place])
        self.tables.append(table)
        self.labels[index] = np.where(found > 0, found + np.uint32(self.count), 0)
        self.count += len(table)

    def measured(self, index: tuple[int, ...], labels: NDArray[np.integer]) -> pd.DataFrame:
        """Measure the objects of one plane in every channel of the volume."""
        plane = self.volume
        for axis, place in zip(self.planes.lead, index, strict=True):
            plane = plane.at(axis, place)
        axes = plane.axes.replace("C", "")
        return measure_volumes(replace(plane, array=labels, axes=axes, channel_names=()), [plane])

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
        return {"volume": self.label_volume(), "table": self.table()}


def objects_of(
    maps: NDArray[np.floating],
    grid: NetworkGrid,
    head: Head,
    info: ModelInfo,
    smallest: float | None,
    way: Way = _AS_IT_IS,
) -> NDArray[np.integer]:
    """Return the objects of maps on the image's grid, without those below `smallest` voxels."""
    found = grid.labels_back(way.decode(maps, head, info.min_size))
    return relabel(found) if smallest is None else remove_small(found, int(np.ceil(smallest)))
