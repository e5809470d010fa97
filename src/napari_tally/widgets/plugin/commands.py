"""What napari's Layers menu offers: segment an image, measure labels, separate touching objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info, show_warning
from napari.viewer import Viewer  # noqa: TC002 (napari injects by it)

from ...core.errors import InputError, TallyError, sentence
from ...core.progress import Step, Steps
from ...objects.summary import summary
from ..controls.features_table import show_table
from ..controls.runner import Runner
from ..layers.features import features
from ..layers.label_layer import image_volume, images_on_grid, label_volume
from ..layers.placement import GEOMETRY
from ..measure.job import MOST_IDS

if TYPE_CHECKING:
    import pandas as pd

    from ...core.volume import Volume

_runners: list[Runner] = []  # those at work, which nothing else holds


def open_segment(viewer: Viewer) -> None:
    """Open the Segment dock."""
    viewer.window.add_plugin_dock_widget("napari-tally", "Segment")


def open_measure(viewer: Viewer) -> None:
    """Open the Measure dock."""
    viewer.window.add_plugin_dock_widget("napari-tally", "Measure")


def measure_labels(viewer: Viewer) -> None:
    """Measure the objects of the active label layer in every image on its grid.

    The numbers become the layer's features, in which row i is label i.
    """
    layer = viewer.layers.selection.active
    if not isinstance(layer, Labels):
        show_warning("A label layer is needed to measure objects. Select one in the layer list.")
        return
    images = images_on_grid(viewer, layer)
    try:
        labels = label_volume(layer, images=images)
        volumes = [image_volume(image, labels.axes) for image in images]
    except TallyError as error:
        show_warning(sentence(error))
        return
    _start("Measure", lambda table: _show(viewer, layer, table), _measure_steps, labels, volumes)


def separate_touching(viewer: Viewer) -> None:
    """Separate what touches in the active label layer, by its shape; the layer stays as it is."""
    layer = viewer.layers.selection.active
    if not isinstance(layer, Labels):
        show_warning("A label layer is needed to separate its objects. Select one.")
        return
    try:
        labels = label_volume(layer)
    except TallyError as error:
        show_warning(sentence(error))
        return
    # A copy, since one may paint while it runs.
    labels = replace(labels, array=np.array(labels.array))
    before = layer.as_layer_data_tuple()[1]
    _start("Separate", lambda found: _add(viewer, layer, before, found), _separate_steps, labels)


def _start(
    title: str, show: Callable[[Any], None], steps: Callable[..., Steps[Any]], *arguments: Any
) -> None:
    """Run steps in a worker and show what they return, or say what went wrong."""
    runner = Runner(title)
    _runners.append(runner)
    for end in (runner.finished, runner.failed):
        end.connect(lambda _: _runners.remove(runner))
    runner.finished.connect(show)
    runner.failed.connect(lambda error: show_warning(sentence(error)))
    runner.start(steps, *arguments)


def _separate_steps(labels: Volume) -> Steps[tuple[Volume, pd.DataFrame]]:
    from ...measurement.measure import measure_volumes
    from ...segmentation.split_touching import split_steps

    found = yield from split_steps(labels)
    return found, measure_volumes(found)


def _add(
    viewer: Viewer, layer: Labels, before: dict[str, Any], found: tuple[Volume, pd.DataFrame]
) -> None:
    """Show separated objects in a new layer, with the geometry that the labels had."""
    labels, table = found
    name = f"{before['name']} (separated)"
    geometry = {key: before[key] for key in GEOMETRY}
    add: Any = viewer.add_labels
    add(labels.array, name=name, features=features(table), **geometry)
    if layer in viewer.layers:
        layer.visible = False
    show_info(f"{summary(table)}, separated by their shape")


def _measure_steps(labels: Volume, images: list[Volume]) -> Steps[pd.DataFrame]:
    from ...measurement.measure import measure_volumes

    yield Step("measure", 0, 1)
    most = int(np.asarray(labels.array).max(initial=0))
    if most > MOST_IDS:
        raise InputError(f"Ids of at most {MOST_IDS:,} are needed for a table", f"{most:,}")
    return measure_volumes(labels, images)


def _show(viewer: Viewer, layer: Labels, table: pd.DataFrame) -> None:
    if layer not in viewer.layers:
        return
    layer.features = features(table)
    show_info(summary(table))
    viewer.layers.selection.active = layer
    show_table(viewer)
