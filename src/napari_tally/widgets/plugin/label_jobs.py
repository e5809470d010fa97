"""Commands on label layers, run in a worker, and the layers that they add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.notifications import show_info, show_warning

from ...core.errors import TallyError, sentence
from ...core.progress import Step, Steps
from ...core.quantity import parse_quantity
from ...core.user_path import user_path
from ...objects.summary import summary
from ..controls.features_table import show_table
from ..controls.runner import Runner
from ..layers.features import check_ids
from ..layers.label_layer import brought_images, images_on_grid, label_axes, label_volume
from ..layers.layer_state import state_of
from ..layers.live_table import LiveTable
from ..layers.placement import derived_look
from ..measure.job import split_job
from .writer import volume_to_write

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel

    from ...core.quantity import Quantity
    from ...core.volume import Volume
    from ..layers.layer_state import State

Found = tuple["Volume", "pd.DataFrame"]  # new labels, and the table of their objects

_RELABEL = "Relabel the objects in the Measure dock"
_runners: list[Runner] = []  # running ones, which nothing else references


def measure_layer(viewer: ViewerModel, layer: Labels) -> None:
    """Measure the objects of a layer in every image on its grid; row i of its features is id i."""
    live = LiveFeatures(viewer, layer, images_on_grid(viewer, layer))
    state = state_of(live.layers)
    try:
        steps = live.recipe()
    except TallyError as error:
        live.stop()
        show_warning(sentence(error))
        return
    _start("Measure", lambda table: _show(viewer, live, table, state), lambda: steps)


def separate_layer(viewer: ViewerModel, layer: Labels, neck: float | None = None) -> None:
    """Separate touching objects by their shape, in a new layer."""
    _derive(viewer, layer, "separated", lambda labels: _separate_steps(labels, neck))


def split_layer(viewer: ViewerModel, layer: Labels) -> None:
    """Give each connected component an id of its own, in a new layer."""
    _derive(viewer, layer, "components", split_job)


def grow_layer(viewer: ViewerModel, layer: Labels, distance: str) -> None:
    """Grow nuclei to cells by a distance such as "5um", in a new layer with the ids of nuclei."""
    try:
        reach = parse_quantity(distance)
    except TallyError as error:
        show_warning(sentence(error))
        return
    _derive(viewer, layer, "cells", lambda labels: _grow_steps(labels, reach), hide=False)


def save_layer(layer: Image | Labels, path: Path) -> None:
    """Save a layer in the format that the suffix of the path names."""
    data, meta, _ = layer.as_layer_data_tuple()
    try:
        path = user_path(path)
        volume = volume_to_write(data, meta, is_labels=isinstance(layer, Labels))
    except TallyError as error:
        show_warning(sentence(error))
        return
    # A copy, since the layer may be painted meanwhile.
    volume = replace(volume, array=np.array(volume.array))
    _start("Save", lambda _: show_info(f"Saved {path}"), _save_steps, volume, path)


def _derive(
    viewer: ViewerModel,
    layer: Labels,
    suffix: str,
    steps: Callable[[Volume], Steps[Volume]],
    *,
    hide: bool = True,
) -> None:
    """Compute new labels from a layer, and show them in a new layer."""
    try:
        labels = label_volume(layer, label_axes(layer, images_on_grid(viewer, layer)))
    except TallyError as error:
        show_warning(sentence(error))
        return
    # A copy, since the layer may be painted meanwhile.
    labels = replace(labels, array=np.array(labels.array))
    name, look = f"{layer.name} ({suffix})", derived_look(layer, labels)

    def add(found: Found) -> None:
        result, table = found
        add_labels: Any = viewer.add_labels
        new = add_labels(result.array, name=name, **look)
        live = LiveFeatures(viewer, new, ())
        live.set_features(new, table, own=True)
        live.take()
        if hide and layer in viewer.layers:
            layer.visible = False
        new.contour = 0 if hide else 1
        show_info(f"{name}: {summary(table)}")

    _start(suffix.capitalize(), add, _measured_steps, steps(labels))


def _start(
    title: str, show: Callable[[Any], None], steps: Callable[..., Steps[Any]], *arguments: Any
) -> None:
    """Run steps in a worker and show what they return, or report what went wrong."""
    runner = Runner(title)
    _runners.append(runner)
    for end in (runner.finished, runner.failed):
        end.connect(lambda _: _runners.remove(runner))
    runner.finished.connect(show)
    runner.failed.connect(lambda error: show_warning(sentence(error)))
    runner.start(steps, *arguments)


def _measured_steps(steps: Steps[Volume]) -> Steps[Found]:
    from ...measurement.measure import measure_volumes

    found = yield from steps
    check_ids(found, _RELABEL)
    return found, measure_volumes(found)


class LiveFeatures(LiveTable):
    """Keeps the features of a layer, as a command measured them, those of its labels."""

    def __init__(self, viewer: ViewerModel, layer: Labels, images: Sequence[Image]) -> None:
        super().__init__((layer, *images), "Measure them again.")
        self.layer, self.images = layer, images
        self.keep(viewer)

    def recipe(self) -> Steps[pd.DataFrame]:
        labels = label_volume(self.layer, images=self.images)
        volumes, _ = brought_images(self.images, self.layer, labels)
        return _measure_steps(replace(labels, array=np.array(labels.array)), volumes)

    def show(self, found: pd.DataFrame) -> None:
        self.set_features(self.layer, found)


def _measure_steps(labels: Volume, images: list[Volume]) -> Steps[pd.DataFrame]:
    from ...measurement.measure import measure_volumes

    yield Step("measure", 0, 1)
    check_ids(labels, _RELABEL)
    return measure_volumes(labels, images)


def _separate_steps(labels: Volume, neck: float | None) -> Steps[Volume]:
    from ...segmentation.split_touching import NECK, split_steps

    return (yield from split_steps(labels, NECK if neck is None else neck))


def _grow_steps(labels: Volume, distance: Quantity) -> Steps[Volume]:
    from ...measurement.cells_from_nuclei import cells_of

    yield Step("grow", 0, 1)
    return cells_of(labels, distance)


def _save_steps(volume: Volume, path: Path) -> Steps[None]:
    from ...files import write

    yield Step("save", 0, 1)
    write(volume, path)


def _show(viewer: ViewerModel, live: LiveFeatures, table: pd.DataFrame, state: State) -> None:
    if live.layer not in viewer.layers:
        return
    live.set_features(live.layer, table, own=True)
    live.take(state)
    show_info(summary(table))
    viewer.layers.selection.active = live.layer
    show_table(viewer)
