"""From the maps of a semantic model to classes, their sizes, and objects of them when asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...heads.object_evidence import means
from ...heads.semantic import CERTAIN
from ...measurement.measure import measure_volumes
from ...objects.relabel import remove_small
from ..maps.blockwise import classes_by_block_steps
from ..maps.decoded_objects import Found
from ..maps.stack_strategies import parted
from .objects import AS_IT_IS, Separation

if TYPE_CHECKING:
    import pandas as pd

    from ...core.progress import Steps
    from ...core.volume import Volume
    from ...heads.semantic import Semantic
    from ...models.model_info import ModelInfo
    from ..maps.network_grid import NetworkGrid
    from ..maps.stack_strategies import Way
    from ..setup.model_input import Planes
    from ..setup.options import SegmentOptions

_MM3_OF_ML = 1000.0


class Classed(Separation):
    """Objects with their classes, and the classes of all voxels."""

    def __init__(
        self,
        volume: Volume,
        planes: Planes,
        info: ModelInfo,
        options: SegmentOptions,
        way: Way = AS_IT_IS,
    ) -> None:
        super().__init__(volume, planes, info, options, way)
        few = len(self.head.class_names) <= np.iinfo(np.uint8).max
        self.classes = np.zeros(planes.image.shape[1:], np.uint8 if few else np.uint16)

    def measured(self, index: tuple[int, ...], labels: NDArray[np.integer]) -> pd.DataFrame:
        """Measure the objects of one plane, and say of each of which class it is."""
        table = super().measured(index, labels)
        class_of = np.zeros(len(table) + 1, np.int64)
        class_of[labels.ravel()] = self.classes[index].ravel()
        table.insert(1, "class", class_of[1:])
        table.insert(2, "class_name", [self.head.class_names[c - 1] for c in class_of[1:]])
        return table

    def class_volume(self) -> Volume:
        """Return the class ids with the geometry of the image."""
        axes = self.volume.axes.replace("C", "")
        return replace(self.volume, array=self.classes, axes=axes, channel_names=(), is_labels=True)

    def parts(self) -> dict[str, Any]:
        classes = self.class_volume()
        table = measure_classes(classes, self.volume, self.head.class_names)
        return super().parts() | {"classes": classes, "classes_table": table}


class Classes(Classed):
    """The classes found so far; with `options.separate` also what of each class hangs together."""

    head: Semantic

    def __init__(
        self, volume: Volume, planes: Planes, info: ModelInfo, options: SegmentOptions
    ) -> None:
        super().__init__(volume, planes, info, options)
        self.density = 1.0  # voxels of the network for one of the image
        # Of the classes of the plane under way, to be averaged over each object.
        self.certainty: NDArray[np.integer] = np.zeros((0,), np.uint16)
        if not options.separate:
            # All 0, without the memory of an image.
            self.labels = np.broadcast_to(np.uint32(0), self.labels.shape)

    def decoded(self, maps: NDArray[np.floating]) -> NDArray[np.integer]:
        return self.head.decode(parted(maps, self.head)[0])

    def certain(self, maps: NDArray[np.floating]) -> NDArray[np.integer]:
        """Return how sure the class of each voxel is: see `Semantic.certainty`."""
        return self.head.certainty(*parted(maps, self.head))

    def objects(self, maps: NDArray[np.floating], grid: NetworkGrid) -> Found:
        """Return the classes (`add` separates them, since they are to be kept too)."""
        self.density = grid.density
        if self.options.separate:
            self.certainty = grid.classes_back(maps, self.certain)
        return Found(grid.classes_back(maps, self.decoded), self.no_evidence)

    def by_block_steps(self, maps: NDArray[np.floating]) -> Steps[Found]:
        if self.options.separate:
            self.certainty = yield from classes_by_block_steps(maps, self.certain)
        return Found((yield from classes_by_block_steps(maps, self.decoded)), self.no_evidence)

    def back(self, found: Found, grid: NetworkGrid) -> Found:
        self.density = grid.density
        if self.options.separate:
            self.certainty = grid.labels_back(self.certainty)
        return found.on(grid)

    def add(self, index: tuple[int, ...], objects: Found) -> None:
        self.classes[index] = objects.labels
        if self.options.separate:
            super().add(index, self._separated(objects.labels))

    def _separated(self, classes: NDArray[np.integer]) -> Found:
        """Return the connected parts of each class, without specks."""
        told = self.smallest
        least = self.info.min_size / self.density if told is None else told
        labels = remove_small(self.head.objects(classes), int(np.ceil(least)))
        count = int(labels.max(initial=0))
        probability = means(labels, self.certainty, count) / CERTAIN if count else np.zeros(0)
        return Found(labels, probability[:, None])

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return super().table() if self.options.separate else pd.DataFrame({"label": []}, dtype=int)

    def parts(self) -> dict[str, Any]:
        return super().parts() | {"separated": self.options.separate}


def measure_classes(classes: Volume, image: Volume, names: tuple[str, ...]) -> pd.DataFrame:
    """Measure each class of an image of class ids, one row a class (and frame, in column `t`).

    Columns: `class` and `class_name`; `voxels`; the area or volume as objects have it, and
    `volume_ml` where lengths are in mm; the bounding box in voxels (missing where the class is);
    the mean intensity in each channel.

    Parameters
    ----------
    classes : Volume
        Ids from 0 (the background) to the number of `names`.
    image : Volume
        Intensities on the same grid.
    """
    import pandas as pd

    measured = measure_volumes(classes, [image])
    keys = ["t", "label"] if "t" in measured else ["label"]
    frames = _frames(classes)
    counts = [np.bincount(f.ravel(), minlength=len(names) + 1)[1:] for f in frames]
    everywhere = pd.MultiIndex.from_product([range(len(frames)), range(1, len(names) + 1)])
    index = everywhere.set_names(["t", "label"]) if "t" in keys else everywhere.droplevel(0)
    table = measured.set_index(keys).reindex(index.rename(keys if "t" in keys else "label"))
    size = next(c for c in table.columns if c.startswith(("area_", "volume_")))
    boxes = [c for c in table.columns if c.startswith("bbox_")]
    means = [c for c in table.columns if c.startswith("intensity_mean")]
    table["voxels"] = np.concatenate(counts)
    table[size] = table[size].fillna(0.0)
    table[boxes] = table[boxes].astype("Int64")
    if size == "volume_mm3":
        table["volume_ml"] = table[size] / _MM3_OF_ML
    table["class_name"] = [names[i - 1] for i in table.index.get_level_values("label")]
    ml = ["volume_ml"] if "volume_ml" in table else []
    rows = table[["class_name", "voxels", size, *ml, *boxes, *means]].reset_index()
    return rows.rename(columns={"label": "class"})


def _frames(classes: Volume) -> list[NDArray[np.integer]]:
    array = np.asarray(classes.array)
    return list(np.moveaxis(array, classes.axes.index("T"), 0)) if "T" in classes.axes else [array]
