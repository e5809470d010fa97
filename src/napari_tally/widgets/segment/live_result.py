"""The tables of a result in the viewer, which follow the edits of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ..layers.features import check_ids
from ..layers.image_layer import calibration_of
from ..layers.live_table import LiveTable
from .result_parts import CLASSES, OBJECTS, parts_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from .job import Done

Arrays = Mapping[str, NDArray[np.integer]]  # of objects, classes or both
Calibration = tuple[tuple[float, ...] | None, str]


class LiveResult(LiveTable):
    """Measures the layers of a result again after edits, as the run did.

    Parameters
    ----------
    done : Done
        The result as the model found it.
    layers : mapping
        Its layers by kind, objects or classes.
    """

    def __init__(self, viewer: ViewerModel, done: Done, layers: Mapping[str, Labels]) -> None:
        self.kinds = {kind: layers[kind] for kind in (OBJECTS, CLASSES) if kind in layers}
        super().__init__(tuple(self.kinds.values()))
        self.done = done
        self._calibrations = self._calibrations_now()
        self._show_parts(done, own=True)
        self.take()
        self.keep(viewer)

    def recipe(self) -> Steps[Done]:
        if self._calibrations_now() != self._calibrations:
            raise InputError(
                f"The voxel size of {self.layers[0].name} was changed since the run",
                hint="Measure them in the Measure dock",
            )
        arrays = {kind: np.array(layer.data) for kind, layer in self.kinds.items()}
        return edited_job(self.done, arrays)

    def _calibrations_now(self) -> list[Calibration]:
        axes = self.done.result.volume.axes
        return [calibration_of(layer, axes) for layer in self.kinds.values()]

    def show(self, found: Done) -> None:
        self._show_parts(found, own=False)

    def leave(self) -> None:
        """Go on without a dock: only the features follow, and maps or masks are freed."""
        self.done = replace(self.done, result=replace(self.done.result, maps=None, masks=None))
        self.release()

    def _show_parts(self, done: Done, *, own: bool) -> None:
        for part in parts_of(done):
            self.set_features(self.kinds[part.kind], part.table, own=own)


def edited_job(done: Done, arrays: Arrays) -> Steps[Done]:
    """Measure edited labels of a result; the result itself if all edits were undone."""
    from ...segmentation.edited_result import remeasured

    yield Step("measure", 0, 1)
    if all(np.array_equal(arrays[part.kind], part.labels) for part in parts_of(done)):
        return done
    labels = arrays.get(OBJECTS, done.result.labels)
    image, info = done.job.cut, done.model.info
    check_ids(replace(done.result.volume, array=labels), "Relabel them in the Measure dock")
    edited = remeasured(done.result, image, info, labels, arrays.get(CLASSES))
    return replace(done, result=edited)
