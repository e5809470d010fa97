"""Measured objects: colour, pick, plot, find, edit and export them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ..controls.features_table import show_table
from ..controls.section import Section
from ..layers.derived_layers import show_cells
from ..layers.edits import remove_objects
from ..layers.object_finder import Finder
from ..layers.placement import derived_look
from .colour_panel import ColourPanel
from .export_panel import TakeTable
from .filter_panel import COPY, KEEP, REMOVE, UNDO, PickPanel
from .live_measurement import LiveMeasurement, objects_table
from .plot_dock import PlotDock
from .selection import Picked

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels

    from .job import Measured

_ROOM = 900  # px: screens with room for a dock below the image
_NO_NUMBERS = ("label", "t", "parent", "class", "nearest_neighbour")


class ObjectsPanel(QWidget):
    """The objects of a label layer, linked with their table."""

    edited = Signal()  # objects were removed or restored
    painted = Signal()  # the layer was painted

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.layer: Labels | None = None
        self.live: LiveMeasurement | None = None
        self.table: pd.DataFrame | None = None
        self.axes = ""
        self.picked = Picked()
        self.colours = ColourPanel(self.picked)
        self.picks = PickPanel(self.picked)
        self.take = TakeTable()
        self.finder = Finder(viewer)
        self.plot: PlotDock | None = None
        self._build()
        viewer.dims.events.current_step.connect(self._show_frame)

    def _build(self) -> None:
        self.pick_box = Section("Pick objects", self.picks)
        self.show_rows, self.show_plot = QPushButton("Show table"), QPushButton("Plot")
        row = QHBoxLayout()
        row.addWidget(self.show_rows)
        row.addWidget(self.show_plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.colours)
        column.addWidget(self.pick_box)
        column.addLayout(row)
        column.addWidget(self.take)
        self.show_rows.clicked.connect(self.open_table)
        self.show_plot.clicked.connect(self.open_plot)
        self.picks.asked.connect(self._edit)

    def show_objects(
        self, live: LiveMeasurement, measured: Measured, before: Measured | None
    ) -> None:
        """Show the measurements of a layer, which had others before if it was edited."""
        layer = live.sources.layer
        self._follow(layer)
        self.live, self.axes = live, measured.job.labels.axes
        self.table = table = objects_table(layer, measured, before)
        if measured.cells is not None:
            show_cells(self.viewer, layer, measured.cells)
        if self._by_frame:
            self._show_frame()
        else:
            live.set_features(layer, table, own=True)
        self.picked.take(table)
        columns = number_columns(table)
        self.picks.offer(columns)
        self.colours.offer(columns)
        if self.plot is not None:
            self.plot.offer(columns)
        self.take.take(table, layer, measured, live)
        self.finder.follow(layer, table, self.axes)

    def stop(self) -> None:
        """Disconnect from the viewer, and restore the colours of the labels."""
        self.viewer.dims.events.current_step.disconnect(self._show_frame)
        self._leave()
        self.colours.give_back()
        self.finder.stop()
        if self.plot is not None:
            self.plot.stop()

    def open_table(self) -> None:
        """Open napari's own table: a row selects its object, and the reverse."""
        if self._there:
            self._is_current()
            self.viewer.layers.selection.active = self.layer
        show_table(self.viewer)

    def open_plot(self) -> None:
        """Open the plots of this table: below the image, on a low screen beside this dock."""
        window: Any = getattr(self.viewer, "window", None)
        if window is None or self.table is None:
            return
        if self._there:
            self._is_current()
        if self.plot is None:
            self.plot = PlotDock(self.viewer, self.picked)
            screen = self.screen()
            low = screen is not None and screen.availableGeometry().height() < _ROOM
            area = "right" if low else "bottom"
            window.add_dock_widget(self.plot, name="Plot", area=area, tabify=True)
            self.plot.offer(number_columns(self.table))
            return
        dock = self.plot.parentWidget()
        if dock is not None:
            dock.show()
            dock.raise_()

    @property
    def _there(self) -> bool:
        return self.layer is not None and self.layer in self.viewer.layers

    @property
    def _by_frame(self) -> bool:
        """Whether ids recur in several frames, so that features show one frame at a time."""
        table = self.table
        return table is not None and "t" in table and bool(table["label"].duplicated().any())

    def _show_frame(self, _event: Any = None) -> None:
        """Show the rows of the frame in view."""
        layer, table = self.layer, self.table
        if layer is None or table is None or not self._there or not self._by_frame:
            return
        place = layer.world_to_data(self.viewer.dims.point)[self.axes.index("T")]
        assert self.live is not None
        rows = table[table["t"] == round(float(place))]
        self.live.set_features(layer, rows, own=True)

    def _is_current(self) -> bool:
        """Measure edited labels again; warn and return False if that cannot be done now."""
        if self.live is None or self.live.update():
            return True
        show_warning(self.live.problem)
        return False

    def _edit(self, what: str) -> None:
        """Keep, remove or copy the picked objects, or undo that."""
        layer, table = self.layer, self.table
        if layer is None or table is None or not self._there:
            return
        if what == UNDO:
            layer.undo()
            self.edited.emit()
            return
        current = self._is_current() and self.table is table
        if not current:
            show_warning("The labels were edited since the objects were picked. Pick again.")
            return
        if what == COPY:
            self._copy(layer)
            return
        if what in (KEEP, REMOVE):
            ids = self.picked.ids
            rest = np.setdiff1d(table["label"].to_numpy(np.int64), ids)
            count = remove_objects(layer, ids if what == REMOVE else rest)
            show_info(f"{count:,} objects removed")
            self.picks.clear()
        self.edited.emit()

    def _copy(self, layer: Labels) -> None:
        array = np.asarray(layer.data)
        picked = np.where(np.isin(array, self.picked.ids), array, 0).astype(array.dtype)
        add: Any = self.viewer.add_labels
        assert self.live is not None
        look = derived_look(layer, self.live.last.job.labels)
        add(picked, name=f"{layer.name} (picked)", **look)

    def _follow(self, layer: Labels) -> None:
        if self.layer is layer:
            return
        self._leave()
        self.layer = layer
        for event in (layer.events.paint, layer.events.data):
            event.connect(self._tell)
        layer.mouse_drag_callbacks.append(_select)
        self.colours.follow(layer)

    def _leave(self) -> None:
        layer, self.layer = self.layer, None
        if layer is None:
            return
        for event in (layer.events.paint, layer.events.data):
            event.disconnect(self._tell)
        if _select in layer.mouse_drag_callbacks:
            layer.mouse_drag_callbacks.remove(_select)

    def _tell(self, _event: Any = None) -> None:
        self.painted.emit()


def _select(layer: Labels, event: Any) -> Iterator[None]:
    """Select the clicked object, and thereby its row in napari's table."""
    if str(layer.mode) != "pan_zoom":
        return
    yield
    if event.type == "mouse_move":  # it is dragged
        return
    value = layer.get_value(
        event.position,
        view_direction=event.view_direction,
        dims_displayed=event.dims_displayed,
        world=True,
    )
    if value:
        layer.selected_label = int(value)


def number_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns for colours, filters and plots."""
    return [
        str(c)
        for c in table
        if c not in _NO_NUMBERS
        and not str(c).startswith("bbox_")
        and (table[c].dtype.kind in "biuf" or str(c) == "class_name")
    ]
