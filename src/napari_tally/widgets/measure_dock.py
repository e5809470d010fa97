"""The Measure dock: numbers of every object, connected with what one sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info
from pydantic import ValidationError
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from superqt import QCollapsible

from ..core.errors import InputError, TallyError, sentence
from ..core.quantity import parse_quantity
from ..features.options import Measurements
from ..objects.relabel import relabel
from ..objects.summary import summary
from .colour_panel import ColourPanel
from .finder import Finder
from .layer_volume import spacing_text
from .measure_form import MeasureForm
from .measure_job import Measured, MeasureJob, measure_job
from .measure_layers import image_volume, images_on_grid, label_axes, label_volume
from .object_edits import remove_objects
from .pick_panel import COPY, REMOVE, UNDO, PickPanel
from .picked import Picked
from .plot_dock import PlotDock
from .result_layer import GEOMETRY, features
from .run_panel import RunPanel
from .runner import Runner
from .scrolled import scrolled
from .table_dock import show_table
from .take_table import TakeTable

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels
    from qtpy.QtGui import QHideEvent

    from ..core.volume import Volume

_WRONG_INPUT = (TallyError, ValidationError)
_NO_NUMBERS = ("label", "t", "parent", "class", "nearest_neighbour")


class MeasureDock(QWidget):
    """Measure labels; colour, pick and plot their objects; take the table."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.form = MeasureForm(napari_viewer)
        self.panel = RunPanel()
        self.picked = Picked()
        self.colours = ColourPanel(self.picked)
        self.picks = PickPanel(self.picked)
        self.take = TakeTable()
        self.finder = Finder(napari_viewer)
        self.runner = Runner("Measure")
        self.measured: Measured | None = None
        self.layer: Labels | None = None  # of what was measured last
        self.asked: Any = None  # the layer that is being measured
        self.plot: PlotDock | None = None
        self._build()
        self._connect()
        self._labels_changed(self.form.labels.layer)

    def _build(self) -> None:
        self.relabel = QPushButton("Relabel")
        self.relabel.setToolTip("Give the objects consecutive ids, in the order of the old ones.")
        self.show_rows, self.show_plot = QPushButton("Show table"), QPushButton("Plot")
        column = scrolled(self)
        self.after = QWidget()  # what there is once something has been measured
        inner = QVBoxLayout(self.after)
        inner.setContentsMargins(0, 0, 0, 0)
        for part in (self.form, self.panel, self.relabel, self.after):
            column.addWidget(part)
        column.addStretch(1)
        inner.addWidget(self.colours)
        self.pick_box = QCollapsible("Pick objects")
        self.pick_box.setContent(self.picks)
        self.pick_box.collapse(animate=False)
        inner.addWidget(self.pick_box)
        row = QHBoxLayout()
        for button in (self.show_rows, self.show_plot):
            row.addWidget(button)
        inner.addLayout(row)
        inner.addWidget(self.take)
        self.relabel.setVisible(False)
        self.after.setVisible(False)
        self.panel.run.setText("Measure")

    def _connect(self) -> None:
        form, layers = self.form, self.viewer.layers.events
        form.labels.chosen.connect(self._labels_changed)
        form.axes.editingFinished.connect(self._axes_changed)
        for event in (layers.inserted, layers.removed, layers.renamed):
            event.connect(self._offer_images)
        self.viewer.dims.events.current_step.connect(self._show_frame)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.cancel)
        self.relabel.clicked.connect(self._relabel)
        self.show_rows.clicked.connect(self.open_table)
        self.show_plot.clicked.connect(self.open_plot)
        self.picks.asked.connect(self._edit)
        self.runner.stepped.connect(self.panel.step)
        self.runner.finished.connect(self._finished)
        self.runner.failed.connect(self._failed)
        self.destroyed.connect(self.runner.cancel)

    def changeEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """Let go of the viewer when the dock is taken out of the window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._stop()

    def hideEvent(self, event: QHideEvent) -> None:  # type: ignore[override]
        """Stop when the whole window is closed; a dock that is only hidden goes on."""
        super().hideEvent(event)
        window = self.window()
        if window is not None and not window.isVisible():
            self.runner.cancel()

    def _stop(self) -> None:
        self.runner.cancel()
        layers = self.viewer.layers.events
        for event in (layers.inserted, layers.removed, layers.renamed):
            event.disconnect(self._offer_images)
        self.viewer.dims.events.current_step.disconnect(self._show_frame)
        self._leave_layer()
        self.colours.give_back()
        self.finder.stop()
        for combo in (self.form.labels, self.form.parents):
            combo.stop()
        if self.plot is not None:
            self.plot.stop()

    def job(self) -> MeasureJob:
        """Return what the form asks for now.

        Raises
        ------
        TallyError
            If the form cannot be understood; the message says what to change.
        """
        layer = self.form.labels.layer
        if layer is None:
            raise InputError("A label layer is needed", "none", "Segment an image, or paint labels")
        if not self.form.chosen:
            raise InputError("Something to measure is needed", "nothing ticked")
        labels = self._calibrated(label_volume(layer, self._axes(layer)))
        images = [image_volume(i, labels.axes) for i in self.form.ticked_images]
        parents = self.form.parents.layer
        job = MeasureJob(
            replace(labels, array=np.array(labels.array)),
            tuple(self._calibrated(image) for image in images),
            Measurements(groups=self.form.chosen),
            None if parents is None else self._calibrated(label_volume(parents, labels.axes)),
        )
        last = self.measured
        if last is None or layer is not self.layer or not job.is_as(last.job):
            return job
        return replace(job, before=last)

    def _axes(self, layer: Labels) -> str:
        return self.form.axes.text().strip().upper() or label_axes(layer)

    def _calibrated(self, volume: Volume) -> Volume:
        text = self.form.spacing.text().strip()
        if not text or text == spacing_text(volume):
            return volume
        return volume.with_spacing(parse_quantity(text))

    def run(self) -> None:
        """Measure what the form says; after edits, what has changed."""
        try:
            job = self.job()
        except _WRONG_INPUT as error:
            self.panel.say(sentence(error), warn=True)
            return
        self.asked = self.form.labels.layer
        self.panel.start()
        self.runner.start(measure_job, job)

    def cancel(self) -> None:
        """Stop; what was measured before stays."""
        if self.runner.busy:
            self.runner.cancel()
            self.panel.idle()
            self.panel.say("Cancelled.")

    def _finished(self, measured: Measured) -> None:
        self.panel.idle()
        layer = self.asked
        if layer not in self.viewer.layers:
            self.panel.say("The labels were removed while they were measured.")
            return
        self._follow_layer(layer)
        self.measured = measured
        table = measured.table
        self.colours.follow(layer)
        self.picked.take(table)
        columns = number_columns(table)
        self.picks.offer(columns)
        self.colours.offer(columns)
        self._show_table_of(layer, table)
        if self.plot is not None:
            self.plot.offer(columns)
        self.take.take(measured, layer)
        self.finder.follow(layer, table, measured.job.labels.axes)
        self.after.setVisible(True)
        self.panel.run.setText("Update")
        self.panel.say(self._said(measured))

    def _said(self, measured: Measured) -> str:
        labels, table = measured.job.labels, measured.table
        lines = [f"{summary(table)}."]
        if not labels.calibrated and not any(i.calibrated for i in measured.job.images):
            lines.append("No voxel size is known: lengths are in px.")
        if "pieces" in table and (table["pieces"] > 1).any():
            split = int((table["pieces"] > 1).sum())
            lines.append(f"{split:,} ids are in several pieces, each measured as one.")
        if len(table) and int(table["label"].max()) > 4 * len(table):
            lines.append("The ids have large gaps: Relabel makes them consecutive.")
            self.relabel.setVisible(True)
        else:
            self.relabel.setVisible(False)
        return "\n".join(lines)

    def _failed(self, error: BaseException) -> None:
        self.panel.idle()
        self.panel.say(sentence(error), warn=True)
        self.relabel.setVisible("Relabel" in sentence(error))
        if not isinstance(error, TallyError | MemoryError | OSError):
            raise error  # napari shows it with its traceback

    def _show_table_of(self, layer: Labels, table: pd.DataFrame) -> None:
        """Put the table into the layer's features; those of the current frame if ids come again."""
        if "t" in table and table["label"].duplicated().any():
            self._show_frame()
        else:
            layer.features = features(table)

    def _show_frame(self, _event: Any = None) -> None:
        """Show the rows of the frame in view."""
        measured, layer = self.measured, self.layer
        if measured is None or layer is None or layer not in self.viewer.layers:
            return
        table = measured.table
        if "t" not in table or not table["label"].duplicated().any():
            return
        axis = measured.job.labels.axes.index("T")
        place = layer.world_to_data(self.viewer.dims.point)[axis]
        layer.features = features(table[table["t"] == round(float(place))])

    def open_table(self) -> None:
        """Open napari's own table: a row selects its object, and the reverse."""
        if self.layer is not None and self.layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.layer
        show_table(self.viewer)

    def open_plot(self) -> None:
        """Open the plots of this table below the image."""
        window: Any = getattr(self.viewer, "window", None)
        if window is None or self.measured is None:
            return
        if self.plot is None:
            self.plot = PlotDock(self.viewer, self.picked)
            window.add_dock_widget(self.plot, name="Plot", area="bottom", tabify=True)
            self.plot.offer(number_columns(self.measured.table))
        else:
            dock = self.plot.parentWidget()
            if dock is not None:
                dock.show()
                dock.raise_()

    def _edit(self, what: str) -> None:
        """Keep, remove or copy the picked objects, or take that back."""
        layer = self.layer
        if layer is None or layer not in self.viewer.layers or self.measured is None:
            return
        if what == UNDO:
            layer.undo()
        elif what == COPY:
            self._copy(layer)
            return
        else:
            ids = self.picked.ids
            rest = np.setdiff1d(self.measured.table["label"].to_numpy(np.int64), ids)
            count = remove_objects(layer, ids if what == REMOVE else rest)
            show_info(f"{count:,} objects removed")
            self.picks.clear()
        self.run()

    def _copy(self, layer: Labels) -> None:
        array = np.asarray(layer.data)
        picked = np.where(np.isin(array, self.picked.ids), array, 0).astype(array.dtype)
        state = layer.as_layer_data_tuple()[1]
        add: Any = self.viewer.add_labels
        add(picked, name=f"{layer.name} (picked)", **{key: state[key] for key in GEOMETRY})

    def _relabel(self) -> None:
        layer = self.form.labels.layer
        if layer is None:
            return
        try:
            layer.data = relabel(np.asarray(layer.data))
        except TallyError as error:
            self.panel.say(sentence(error), warn=True)
            return
        self.run()

    def _follow_layer(self, layer: Labels) -> None:
        if self.layer is not layer:
            self._leave_layer()
            self.layer = layer
            layer.events.paint.connect(self._edited)
            layer.events.data.connect(self._edited)

    def _leave_layer(self) -> None:
        if self.layer is not None:
            self.layer.events.paint.disconnect(self._edited)
            self.layer.events.data.disconnect(self._edited)
            self.layer = None

    def _edited(self, _event: Any = None) -> None:
        if not self.panel.busy:
            self.panel.say("The labels were edited: press Update.")

    def _labels_changed(self, layer: Labels | None) -> None:
        self.panel.run.setEnabled(layer is not None and not self.runner.busy)
        if layer is None:
            self.panel.say("Segment an image, or paint labels, to measure them.")
            return
        self.panel.run.setText("Update" if layer is self.layer else "Measure")
        self.panel.say("")
        self.form.axes.setText(label_axes(layer) if 2 < layer.ndim <= 4 else "")
        self.form.rows.setRowVisible(self.form.axes, layer.ndim > 2)
        self._axes_changed()
        self._offer_images()

    def _axes_changed(self) -> None:
        layer = self.form.labels.layer
        if layer is None:
            return
        try:
            volume = label_volume(layer, self._axes(layer))
        except _WRONG_INPUT as error:
            self.panel.say(sentence(error), warn=True)
            return
        self.form.spacing.setText(spacing_text(volume))

    def _offer_images(self, _event: Any = None) -> None:
        layer = self.form.labels.layer
        self.form.offer_images([] if layer is None else images_on_grid(self.viewer, layer))


def number_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that one colours, filters and plots by."""
    kinds = "biuf"
    return [
        str(c)
        for c in table
        if c not in _NO_NUMBERS
        and not str(c).startswith("bbox_")
        and (table[c].dtype.kind in kinds or str(c) == "class_name")
    ]
