"""The measurements of a label layer, which follow its edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...features.declare.feature import Cost
from ...features.registry import GROUPS
from ..layers.derived_layers import children_table, with_model_columns
from ..layers.label_layer import brought_images, label_volume
from ..layers.layer_state import QUICK_VOXELS
from ..layers.live_table import LiveTable
from ..layers.same_place import brought
from .job import Measured, measure_job

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from ...core.progress import Steps
    from ...core.volume import Volume

_SLOW_SHARE = 8  # labels are large sooner if slow measurements are chosen


class Sources:
    """The layers of a measurement, and whether the axes of the labels are a guess."""

    def __init__(
        self,
        layer: Labels,
        parents: Labels | None = None,
        images: Sequence[Image] = (),
        *,
        guessed: bool = False,
    ) -> None:
        self.layer, self.parents, self.images = layer, parents, tuple(images)
        self.guessed = guessed

    @property
    def all(self) -> tuple[Any, ...]:
        """The labels, the parents if there are any, and the images."""
        return (self.layer, *filter(None, [self.parents]), *self.images)

    def on_grid_of(self, labels: Volume) -> tuple[list[Volume], Volume | None, list[str]]:
        """Return the images and the parents on the grid of the labels, and notes.

        Raises
        ------
        InputError
            If one of them shows another place than the labels.
        """
        images, notes = brought_images(self.images, self.layer, labels)
        if self.parents is None:
            return images, None, notes
        parents = label_volume(self.parents, labels.axes)
        parents, note = brought(parents, self.parents, labels, self.layer)
        copied = replace(parents, array=np.array(parents.array))
        return images, copied, [*notes, *filter(None, [note])]


class LiveMeasurement(LiveTable):
    """Measures a label layer again after edits of it or its parents, as it was measured before.

    Parameters
    ----------
    sources : Sources
        The layers that were measured.
    measured : Measured
        Their measurements.
    """

    def __init__(self, viewer: ViewerModel, sources: Sources, measured: Measured) -> None:
        super().__init__(sources.all)
        self.sources, self.last = sources, measured
        self.in_dock = True  # which shows the table and sets the features
        self.keep(viewer)

    @property
    def at_once(self) -> bool:
        job = self.last.job
        slow = any(GROUPS[name].cost is Cost.MUCH for name in job.options.groups)
        few = job.labels.array.size <= QUICK_VOXELS // _SLOW_SHARE
        return super().at_once and (few or not slow)

    def recipe(self) -> Steps[Measured]:
        job = self.last.job
        labels = replace(job.labels, array=np.array(self.sources.layer.data))
        images, parents, _ = self.sources.on_grid_of(labels)
        images = [_like(new, old) for new, old in zip(images, job.images, strict=True)]
        if parents is not None and job.parents is not None:
            parents = _like(parents, job.parents)
        again = replace(job, labels=labels, images=tuple(images), parents=parents, before=None)
        before = self.last if again.is_as(job) else None
        return measure_job(replace(again, before=before))

    def show(self, found: Measured) -> None:
        before, self.last = self.last, found
        if not self.in_dock:
            self.set_features(self.sources.layer, objects_table(self.sources.layer, found, before))
            self.show_children(found)

    def show_children(self, measured: Measured) -> None:
        """Add the measurements of children to the features of the parents' layer."""
        children, parents = measured.children, self.sources.parents
        # Features have one row per id; the exported table has the children in each frame.
        if children is None or "t" in children or parents not in self._viewer.layers:
            return
        assert parents is not None
        self.set_features(parents, children_table(parents, children), own=self.in_dock)


def objects_table(layer: Labels, measured: Measured, before: Measured | None) -> pd.DataFrame:
    """Return the table of a layer, with what a model said about objects that it still has."""
    old = None if before is None else np.asarray(before.job.labels.array)
    return with_model_columns(layer, measured.table, old, np.asarray(measured.job.labels.array))


def _like(new: Volume, old: Volume) -> Volume:
    """Return a volume with the calibration that it was measured with, which may have been typed."""
    return replace(new, spacing=old.spacing, unit=old.unit)
