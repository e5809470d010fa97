"""Layers that measuring and tracking add: cells of nuclei, tracked objects, tracks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import features
from .image_layer import PLUGIN, note_spacing
from .placement import geometry_like

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ...core.volume import Volume
    from ...measurement.track import Tracked

_FROM_MODEL = ("class", "class_name", "class_confidence", "confidence")


def show_cells(viewer: ViewerModel, nuclei: Labels, cells: Volume) -> None:
    """Show the cells of nuclei as contours, in the same layer as before if it exists."""
    name = f"{nuclei.name} (cells)"
    array, noted = np.asarray(cells.array), {PLUGIN: note_spacing(cells)}
    if name in viewer.layers and viewer.layers[name].data.shape == array.shape:
        viewer.layers[name].data = array
        viewer.layers[name].metadata.update(noted)
        return
    add: Any = viewer.add_labels
    layer = add(array, name=name, metadata=noted, **geometry_like(nuclei))
    layer.contour = 1
    viewer.layers.selection.active = nuclei


def show_children(parents: Labels, children: pd.DataFrame) -> None:
    """Add the measurements of children to the features of the parents' layer."""
    parents.features = features(_with_known(children, parents, parents.features.columns))


def show_tracked(viewer: ViewerModel, layer: Labels, tracked: Tracked) -> Labels:
    """Show tracked objects and their tracks in new layers; the labels are not changed."""
    add: Any = viewer.add_labels
    linked: Labels = add(
        np.asarray(tracked.labels.array),
        name=f"{layer.name} (linked)",
        metadata={PLUGIN: note_spacing(tracked.labels)},
        **geometry_like(layer),
    )
    layer.visible = False
    _show_tracks(viewer, layer, tracked)
    viewer.layers.selection.active = linked
    return linked


def _show_tracks(viewer: ViewerModel, layer: Labels, tracked: Tracked) -> None:
    """Add the tracks of objects that occur in several frames."""
    times = tracked.tracks.groupby("track")["t"].transform("size")
    data = tracked.tracks[times > 1].to_numpy(np.float64)
    kept = set(data[:, 0].astype(int).tolist())
    graph = {c: [p for p in ps if p in kept] for c, ps in tracked.graph.items() if c in kept}
    if not len(data):
        return
    # Tracks are in the unit of the labels, and in frames: only the place of the layer is missing.
    scale = np.array(layer.scale)
    scale[1:] = 1.0
    look = geometry_like(layer) | {"scale": scale}
    viewer.add_tracks(
        data, graph={c: ps for c, ps in graph.items() if ps}, name=f"{layer.name} tracks", **look
    )


def with_model_columns(layer: Labels, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the classes and confidences that a model gave the objects."""
    return _with_known(table, layer, _FROM_MODEL)


def _with_known(table: pd.DataFrame, layer: Labels, columns: Iterable[str]) -> pd.DataFrame:
    """Return a table with the columns of a layer's features that it lacks."""
    if "label" not in layer.features:
        return table
    known = layer.features.dropna(subset="label").drop_duplicates("label").set_index("label")
    found = [c for c in columns if c in known and c not in table]
    return table.join(known[found], on="label") if found else table
