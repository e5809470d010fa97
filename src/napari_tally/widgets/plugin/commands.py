"""Commands of napari's Layers menu, which act on the active layer without a form."""

from __future__ import annotations

from napari.layers import Labels
from napari.utils.notifications import show_warning
from napari.viewer import Viewer  # noqa: TC002 (napari injects by it)

from .label_jobs import measure_layer, separate_layer, split_layer


def open_segment(viewer: Viewer) -> None:
    """Open the Segment dock."""
    viewer.window.add_plugin_dock_widget("napari-tally", "Segment")


def open_measure(viewer: Viewer) -> None:
    """Open the Measure dock."""
    viewer.window.add_plugin_dock_widget("napari-tally", "Measure")


def measure_labels(viewer: Viewer) -> None:
    """Measure the objects of the active label layer in every image on its grid."""
    layer = _active_labels(viewer)
    if layer is not None:
        measure_layer(viewer, layer)


def separate_touching(viewer: Viewer) -> None:
    """Separate touching objects of the active label layer by their shape, in a new layer."""
    layer = _active_labels(viewer)
    if layer is not None:
        separate_layer(viewer, layer)


def split_components(viewer: Viewer) -> None:
    """Split the active label layer, or mask, into connected components, in a new layer."""
    layer = _active_labels(viewer)
    if layer is not None:
        split_layer(viewer, layer)


def _active_labels(viewer: Viewer) -> Labels | None:
    """Return the active layer, or None with a warning if it is not one of labels."""
    layer = viewer.layers.selection.active
    if isinstance(layer, Labels):
        return layer
    show_warning("The active layer is not a label layer. Select one in the layer list.")
    return None
