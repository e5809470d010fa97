"""From the maps of a panoptic model to objects and classes that agree voxel by voxel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..maps.blockwise import classes_by_block_steps
from ..maps.decoded_objects import Found
from ..setup.estimate import maps_are_large
from .classes import Classed

if TYPE_CHECKING:
    import pandas as pd

    from ...core.progress import Steps
    from ...heads.panoptic import Panoptic
    from ..maps.network_grid import NetworkGrid


class PanopticObjects(Classed):
    """The objects found so far with their classes, and the regions of stuff."""

    head: Panoptic

    def object_maps(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        return self._parted(maps)[0]

    def _parted(
        self, maps: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return the maps of objects (with the spread between copies, if any) and of classes."""
        if not self.options.tta:
            return maps[: -self._kinds], maps[-self._kinds :]
        first = len(maps) - self._kinds - 1
        return np.concatenate([maps[:first], maps[-1:]]), maps[first:-1]

    def objects_steps(self, maps: NDArray[np.floating] | None, grid: NetworkGrid) -> Steps[Found]:
        """Return objects and classes on the grid of the image, joined."""
        self.share = np.zeros(1)  # of each object's voxels that voted for its class
        found = yield from super().objects_steps(maps, grid)
        if maps is None:
            return found
        objects = found.labels
        best = grid.labels_back((yield from self._best_steps(maps)))
        things, others = np.divmod(best, self._kinds)
        classes, self.share = self.head.agreed(objects, things, others)
        return Found(self.head.joined(objects, classes), found.evidence)

    def _best_steps(self, maps: NDArray[np.floating]) -> Steps[NDArray[np.integer]]:
        """Return the best class of things and the best other one of each voxel, as one number."""

        def best(part: NDArray[np.floating]) -> NDArray[np.integer]:
            things, others = self.head.best(self._parted(part)[1])
            return things.astype(np.uint16) * np.uint16(self._kinds) + others

        if maps_are_large(maps.shape[0], math.prod(maps.shape[1:]), self.options):
            return (yield from classes_by_block_steps(maps, best))
        return best(maps)

    @property
    def _kinds(self) -> int:
        return len(self.head.classes) + 1

    def add(self, index: tuple[int, ...], objects: Found) -> None:
        labels, self.classes[index] = self.head.parted(objects.labels)
        super().add(index, Found(labels, objects.evidence))

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
