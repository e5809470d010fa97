"""From the maps of a panoptic model to objects and classes that agree voxel by voxel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .classes import Classed
from .needs import maps_are_large
from .separate import AS_IT_IS
from .stream import classes_by_block_steps

if TYPE_CHECKING:
    import pandas as pd

    from ..core.progress import Steps
    from ..heads.panoptic import Panoptic
    from .grid import NetworkGrid


class PanopticObjects(Classed):
    """The objects found so far with their classes, and the regions of stuff."""

    head: Panoptic

    def decoded(self, maps: NDArray[np.floating]) -> NDArray[np.integer]:
        parts = self.head.object_maps(maps), self.head.objects
        return AS_IT_IS.decode(*parts, self.info.min_size)

    def objects(self, maps: NDArray[np.floating], grid: NetworkGrid) -> NDArray[np.integer]:
        parts = self.head.object_maps(maps), self.head.objects
        return self.back(self.way.decode(*parts, self.info.min_size), grid)

    def objects_steps(
        self, maps: NDArray[np.floating] | None, grid: NetworkGrid
    ) -> Steps[NDArray[np.integer]]:
        """Return objects and classes on the grid of the image, joined."""
        self.share = np.zeros(1)  # of each object's voxels that voted for its class
        if maps is None:
            return np.zeros(grid.shape, np.uint32)
        objects = yield from super().objects_steps(maps, grid)
        best = grid.labels_back((yield from self._best_steps(maps)))
        things, others = np.divmod(best, self._kinds)
        classes, self.share = self.head.agreed(objects, things, others)
        return self.head.joined(objects, classes)

    def _best_steps(self, maps: NDArray[np.floating]) -> Steps[NDArray[np.integer]]:
        """Return the best class of things and the best other one of each voxel, as one number."""

        def best(part: NDArray[np.floating]) -> NDArray[np.integer]:
            things, others = self.head.best(part)
            return things.astype(np.uint16) * np.uint16(self._kinds) + others

        if maps_are_large(maps.shape[0], math.prod(maps.shape[1:]), self.options):
            return (yield from classes_by_block_steps(maps, best))
        return best(maps)

    @property
    def _kinds(self) -> int:
        return len(self.head.classes) + 1

    def add(self, index: tuple[int, ...], found: NDArray[np.integer]) -> None:
        objects, self.classes[index] = self.head.parted(found)
        super().add(index, objects)

    def measured(self, index: tuple[int, ...], labels: NDArray[np.integer]) -> pd.DataFrame:
        table = super().measured(index, labels)
        table.insert(3, "class_confidence", self.share[1:])
        return table

    def parts(self) -> dict[str, Any]:
        parts = super().parts()
        kinds = {i: c.kind for i, c in enumerate(self.head.classes, start=1)}
        classes = parts["classes_table"]
        classes.insert(classes.columns.get_loc("class") + 2, "kind", classes["class"].map(kinds))
        return parts | {"segments": _segments(parts["table"], classes)}


def _segments(objects: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Return one table of objects and, without an id, regions of stuff."""
    import pandas as pd

    stuff = classes[(classes["kind"] == "stuff") & (classes["voxels"] > 0)].drop(columns="voxels")
    objects = objects.assign(kind="thing", label=objects["label"].astype("Int64"))
    shared = [c for c in objects.columns if c in stuff.columns]
    table = pd.concat([objects, stuff[shared]], ignore_index=True) if len(stuff) else objects
    return table[["label", "kind", *(c for c in table.columns if c not in ("label", "kind"))]]
