"""The Measure dock: measurements of every object, linked with the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QPushButton

from ...core.errors import InputError, TallyError, sentence
from ...core.quantity import parse_quantity
from ...objects.relabel import relabel
from ...objects.summary import summary
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.scroll_area import scrolled
from ..layers.derived_layers import show_children, show_tracked
from ..layers.image_layer import spacing_text, with_typed_spacing
from ..layers.label_layer import image_volume, images_on_grid, label_axes, label_volume
from .form import MeasureForm
from .job import Measured, MeasureJob, link_job, measure_job
from .objects_panel import ObjectsPanel

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ...core.volume import Volume
    from ...measurement.track import Tracked

_NO_NUMBERS = ("label", "t", "parent", "class", "nearest_neighbour")


class MeasureDock(Dock):
    """Measure labels; colour, pick and plot their objects; export the table."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "Measure")
        self.form = MeasureForm(napari_viewer)
        self.objects = ObjectsPanel(napari_viewer)
        self.measured: Measured | None = None
        self.layer: Labels | None = None  # measured last
        self.asked: Any = None  # the layer of the current run
        self.asked_parents: Any = None
        self._build()
        self._connect()
        self._labels_changed(self.form.label_layer.value)

    def _build(self) -> None:
        self.link_frames = QPushButton("Link over time")
        self.link_frames.setToolTip("Track objects: give each one the same id in all frames.")
        self.relabel = QPushButton("Relabel")
        self.relabel.setToolTip("Give the objects consecutive ids, in the order of the old ones.")
        column = scrolled(self)
        for part in (self.form.native, self.panel, self.link_frames, self.relabel, self.objects):
            column.addWidget(part)
        column.addStretch(1)
        self.relabel.setVisible(False)
        self.objects.setVisible(False)
        self.panel.run.setText("Measure")

    def _connect(self) -> None:
        form, layers = self.form, self.viewer.layers.events
        form.label_layer.changed.connect(self._labels_changed)
        form.axes.native.editingFinished.connect(self._axes_changed)
        form.changed.connect(self.accept)
        for event in (layers.inserted, layers.removed, layers.renamed):
            event.connect(self._offer_images)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.cancel)
        self.link_frames.clicked.connect(self.link)
        self.relabel.clicked.connect(self._relabel)
        self.objects.edited.connect(self.run)
        self.objects.painted.connect(self._edited)
        self.runner.stepped.connect(self.panel.step)
        self.runner.finished.connect(self._finished)

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        super().let_go()
        layers = self.viewer.layers.events
        for event in (layers.inserted, layers.removed, layers.renamed):
            event.disconnect(self._offer_images)
        self.objects.stop()
        for combo in (self.form.label_layer, self.form.parents):
            combo.stop()

    def job(self) -> MeasureJob:
        """Return the job that the form describes.

        Raises
        ------
        TallyError
            If the form is invalid; the message says what to change.
        """
        layer = self.form.label_layer.value
        if layer is None:
            raise InputError("There is no label layer", hint="Segment an image, or paint labels")
        if not self.form.chosen:
            raise InputError("No measurements are chosen", hint="Tick at least one group")
        labels = self._calibrated(self._volume(layer))
        images = [image_volume(i, labels.axes) for i in self.form.images.ticked]
        parents = self.form.parents.value
        job = MeasureJob(
            replace(labels, array=np.array(labels.array)),
            tuple(self._calibrated(image) for image in images),
            self.form.values(groups=self.form.chosen),
            None if parents is None else self._calibrated(label_volume(parents, labels.axes)),
            parse_quantity(self.form.grow.value) if self.form.grow.value else None,
        )
        last = self.measured
        if last is None or layer is not self.layer or not job.is_as(last.job):
            return job
        return replace(job, before=last)

    def _volume(self, layer: Labels) -> Volume:
        return label_volume(layer, self._axes(layer), images_on_grid(self.viewer, layer))

    def _axes(self, layer: Labels) -> str:
        return self.form.axes.value.strip().upper() or label_axes(layer)

    def _calibrated(self, volume: Volume) -> Volume:
        return with_typed_spacing(volume, self.form.spacing.value)

    def run(self) -> None:
        """Start the measurement; after edits, of changed objects only."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.asked, self.asked_parents = self.form.label_layer.value, self.form.parents.value
        self.panel.start()
        if self.measured is None:
            self.panel.say("Measuring. The first time takes longer, since code is compiled.")
        self.runner.start(measure_job, job)

    def link(self) -> None:
        """Link the objects of a series over time."""
        layer = self.form.label_layer.value
        if layer is None:
            return
        try:
            labels = self._calibrated(self._volume(layer))
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.asked = layer
        self.panel.start()
        self.runner.start(link_job, replace(labels, array=np.array(labels.array)))

    def _finished(self, found: Measured | Tracked) -> None:
        self.panel.idle()
        layer = self.asked
        if layer not in self.viewer.layers:
            self.panel.say("The label layer was removed during the measurement.")
        elif isinstance(found, Measured):
            self._show(layer, found)
        else:
            self.form.label_layer.value = show_tracked(self.viewer, layer, found)
            self.run()

    def _show(self, layer: Labels, measured: Measured) -> None:
        self.layer, self.measured = layer, measured
        self.objects.show_objects(layer, measured)
        children = measured.children
        # Features have one row per id; the exported table has the children in each frame.
        if (
            children is not None
            and "t" not in children
            and self.asked_parents in self.viewer.layers
        ):
            show_children(self.asked_parents, children)
        self.objects.setVisible(True)
        self.panel.run.setText("Update")
        self.panel.say(self._report(measured))

    def _report(self, measured: Measured) -> str:
        labels, table = measured.job.labels, measured.table
        lines = [f"{summary(table)}."]
        if measured.children is not None:
            lines.append(_children_sentence(measured.children))
        if not labels.calibrated and not any(i.calibrated for i in measured.job.images):
            lines.append("The voxel size is unknown: lengths are in px.")
        if "pieces" in table and (table["pieces"] > 1).any():
            split = int((table["pieces"] > 1).sum())
            lines.append(
                f"{split:,} ids have several connected components, each id measured as one object."
            )
        if len(table) and int(table["label"].max()) > 4 * len(table):
            lines.append("The ids have large gaps. Relabel makes them consecutive.")
            self.relabel.setVisible(True)
        else:
            self.relabel.setVisible(False)
        return "\n".join(lines)

    def _failed(self, error: BaseException) -> None:
        self.relabel.setVisible("Relabel" in sentence(error))
        super()._failed(error)

    def _relabel(self) -> None:
        layer = self.form.label_layer.value
        if layer is None:
            return
        try:
            layer.data = relabel(np.asarray(layer.data))
        except TallyError as error:
            self.refuse(error)
            return
        self.run()

    def _edited(self) -> None:
        if not self.panel.busy:
            self.panel.say("The labels were edited. Press Update to measure them again.")

    def _labels_changed(self, layer: Labels | None) -> None:
        self.panel.run.setEnabled(layer is not None and not self.runner.busy)
        if layer is None:
            self.panel.say("Segment an image, or paint labels, to measure them.")
            self.form.show_row(self.form.axes, visible=False)
            self.link_frames.setVisible(False)
            self._offer_images()
            return
        self.panel.run.setText("Update" if layer is self.layer else "Measure")
        self.panel.say("")
        self.form.axes.value = label_axes(layer) if 2 < layer.ndim <= 4 else ""
        self.form.show_row(self.form.axes, visible=layer.ndim > 2)
        self._axes_changed()
        self._offer_images()

    def _axes_changed(self) -> None:
        layer = self.form.label_layer.value
        if layer is None:
            return
        try:
            volume = self._volume(layer)
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.form.spacing.value = spacing_text(volume)
        self.form.set_units(volume)
        self.link_frames.setVisible("T" in volume.axes)

    def _offer_images(self, _event: Any = None) -> None:
        layer = self.form.label_layer.value
        self.form.offer_images([] if layer is None else images_on_grid(self.viewer, layer))


def _children_sentence(children: pd.DataFrame) -> str:
    """Return how many objects are inside the parents."""
    counts = children["children_count"]
    typical = f", median {counts.median():g} per parent" if len(counts) else ""
    return f"{counts.sum():,} are inside {len(counts):,} parents{typical}."
