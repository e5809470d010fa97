"""Layers that measuring and tracking add: cells of nuclei, tracked objects, tracks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_warning

from ...core.quantity import table_unit
from .features import OUTDATED
from .layer_state import state_of
from .live_table import LiveTable
from .placement import derived_look, geometry_like

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels, Tracks
    from numpy.typing import NDArray

    from ...core.volume import Volume
    from ...measurement.track import Tracked
    from .layer_state import State

_OUTDATED = " (out of date)"


def show_cells(viewer: ViewerModel, nuclei: Labels, cells: Volume) -> None:
    """Show the cells of nuclei as contours, in the same layer as before if it exists."""
    name = f"{nuclei.name} (cells)"
    array, look = np.asarray(cells.array), derived_look(nuclei, cells)
    if name in viewer.layers and viewer.layers[name].data.shape == array.shape:
        viewer.layers[name].data = array
        viewer.layers[name].metadata.update(look["metadata"])
        return
    add: Any = viewer.add_labels
    layer = add(array, name=name, **look)
    layer.contour = 1
    viewer.layers.selection.active = nuclei


def children_table(parents: Labels, children: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements of children with what is known of the parents."""
    return _with_known(children, parents, parents.features.columns)


def show_split(viewer: ViewerModel, layer: Labels, split: Volume) -> Labels:
    """Show the connected components of labels in a new layer; the labels are not changed."""
    add: Any = viewer.add_labels
    name = f"{layer.name} (components)"
    components: Labels = add(np.asarray(split.array), name=name, **derived_look(layer, split))
    layer.visible = False
    return components


def show_tracked(viewer: ViewerModel, layer: Labels, tracked: Tracked, state: State) -> Labels:
    """Show tracked objects and their tracks in new layers; the labels are not changed.

    The name of the tracks says so when the labels are no longer in the state that was linked.
    """
    add: Any = viewer.add_labels
    linked: Labels = add(
        np.asarray(tracked.labels.array),
        name=f"{layer.name} (linked)",
        **derived_look(layer, tracked.labels),
    )
    layer.visible = False
    tracks = _show_tracks(viewer, layer, tracked)
    if tracks is not None:
        LiveTracks(viewer, tracks, linked, layer, state)
    viewer.layers.selection.active = linked
    return linked


class LiveTracks(LiveTable):
    """Marks tracks whose labels were edited as out of date, in their name."""

    def __init__(
        self, viewer: ViewerModel, tracks: Tracks, linked: Labels, layer: Labels, state: State
    ) -> None:
        super().__init__((linked, layer), "Link them over time again.")
        self.tracks = tracks
        self.outdated.connect(self._rename)
        self.restored.connect(self._name_back)
        self.take((*state_of((linked,)), *state))
        self.keep(viewer)

    def _rename(self, _why: str) -> None:
        if not self.tracks.name.endswith(_OUTDATED):
            self.tracks.name += _OUTDATED
            show_warning(f"{self.tracks.name}: {self.problem}")

    def _name_back(self) -> None:
        self.tracks.name = self.tracks.name.removesuffix(_OUTDATED)


def _show_tracks(viewer: ViewerModel, layer: Labels, tracked: Tracked) -> Tracks | None:
    """Add the tracks of objects that occur in several frames."""
    times = tracked.tracks.groupby("track")["t"].transform("size")
    data = tracked.tracks[times > 1].to_numpy(np.float64)
    kept = set(data[:, 0].astype(int).tolist())
    graph = {c: [p for p in ps if p in kept] for c, ps in tracked.graph.items() if c in kept}
    if not len(data):
        return None
    # Tracks are in the unit of tables, and in frames.
    labels, scale = tracked.labels, np.array(layer.scale)
    spots = [labels.axes.index(a) for a in labels.spatial_axes]
    scale[spots] /= labels.spacing_in(table_unit(labels.unit))
    look = geometry_like(layer, labels.axes) | {"scale": scale}
    add: Any = viewer.add_tracks
    kept_graph = {c: ps for c, ps in graph.items() if ps}
    tracks: Tracks = add(data, graph=kept_graph, name=f"{layer.name} tracks", **look)
    return tracks


def with_model_columns(
    layer: Labels,
    table: pd.DataFrame,
    before: NDArray[np.integer] | None = None,
    now: NDArray[np.integer] | None = None,
) -> pd.DataFrame:
    """Return a table with the classes and confidences that a model gave the objects.

    Given labels before and after edits, objects that are others now have none.
    """
    from ...segmentation.edited_result import MODEL_COLUMNS, same_objects

    edited = before is not None and now is not None and before.shape == now.shape
    kept = same_objects(before, now) if edited else None  # type: ignore[arg-type]
    return _with_known(table, layer, MODEL_COLUMNS, kept)


def _with_known(
    table: pd.DataFrame,
    layer: Labels,
    columns: Iterable[str],
    kept: NDArray[np.integer] | None = None,
) -> pd.DataFrame:
    """Return a table with the columns of a layer's features that it lacks, of all or some ids."""
    if "label" not in layer.features:
        return table
    known = layer.features.dropna(subset="label").drop_duplicates("label").set_index("label")
    if kept is not None:
        known = known[known.index.isin(kept)]
    found = [c for c in columns if c in known and c not in table and c != OUTDATED]
    return table.join(known[found], on="label") if found else table
