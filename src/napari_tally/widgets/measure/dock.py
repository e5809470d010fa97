"""The Measure dock: measurements of every object, linked with the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QPushButton

from ...core.errors import InputError, TallyError, sentence
from ...core.quantity import parse_quantity
from ...core.volume import Volume
from ...objects.relabel import relabel
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.scroll_area import scrolled
from ..layers.derived_layers import show_split, show_tracked
from ..layers.image_layer import spacing_text, spell_axes, with_typed_spacing
from ..layers.label_layer import (
    images_elsewhere,
    images_on_grid,
    known_label_axes,
    label_axes,
    label_volume,
)
from ..layers.layer_state import State, state_of
from ..layers.mask_images import is_mask, mask_sentence, show_mask
from ..layers.rescaled import Rescaled
from .form import MeasureForm
from .job import Measured, MeasureJob, link_job, measure_job, split_job
from .live_measurement import LiveMeasurement, Sources
from .objects_panel import ObjectsPanel
from .sentences import has_gaps, report

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ...core.progress import Steps
    from ...measurement.track import Tracked


class MeasureDock(Dock):
    """Measure labels; colour, pick and plot their objects; export the table."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "Measure")
        self.form = MeasureForm(napari_viewer)
        self.objects = ObjectsPanel(napari_viewer)
        self.measured: Measured | None = None
        self.layer: Labels | None = None  # measured last
        self.asked: Sources | None = None  # the layers of the current run
        self.asked_state: State = ()
        self.live: LiveMeasurement | None = None  # the table of the layer measured last
        self.rescaled = Rescaled(self._rescaled)
        self.offered = ""  # voxel size of the layer
        self._build()
        self._connect()
        self._labels_changed(self.form.label_layer.value)

    def _build(self) -> None:
        self.link_frames = QPushButton("Link over time")
        self.link_frames.setToolTip("Track objects: give each one the same id in all frames.")
        self.relabel = QPushButton("Relabel")
        self.split = QPushButton("Split into connected components")
        self.split.setToolTip("Give each connected component an id of its own, in a new layer.")
        self.use_mask = QPushButton("Use mask as labels")
        self.use_mask.setToolTip("Show the mask as labels, in a new layer, to measure it.")
        self.relabel.setToolTip("Give the objects consecutive ids, in the order of the old ones.")
        column = scrolled(self)
        buttons = (self.use_mask, self.split, self.link_frames, self.relabel)
        for part in (self.form.native, self.panel, *buttons, self.objects):
            column.addWidget(part)
        column.addStretch(1)
        self.relabel.setVisible(False)
        self.split.setVisible(False)
        self._offer_mask()
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
        self.split.clicked.connect(self.split_mask)
        self.use_mask.clicked.connect(self._use_mask)
        self.viewer.layers.selection.events.active.connect(self._offer_mask)
        self.objects.edited.connect(self.run)
        self.objects.painted.connect(self._edited)
        self.runner.stepped.connect(self.panel.step)
        self.runner.finished.connect(self._finished)

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        super().let_go()
        self._leave()
        self.rescaled.follow(None)
        self.viewer.layers.selection.events.active.disconnect(self._offer_mask)
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
        images, parents, notes = self._sources().on_grid_of(labels)
        job = MeasureJob(
            replace(labels, array=np.array(labels.array)),
            tuple(self._calibrated(image) for image in images),
            self.form.values(groups=self.form.chosen),
            None if parents is None else self._calibrated(parents),
            parse_quantity(self.form.grow.value) if self.form.grow.value else None,
            (*notes, *images_elsewhere(self.viewer, layer)),
        )
        last = self.measured
        if last is None or layer is not self.layer or not job.is_as(last.job):
            return job
        return replace(job, before=last)

    def _sources(self) -> Sources:
        form = self.form
        guessed = self._are_axes_guessed()
        return Sources(
            form.label_layer.value, form.parents.value, form.images.ticked, guessed=guessed
        )

    def _volume(self, layer: Labels) -> Volume:
        return label_volume(layer, self._axes(layer), images_on_grid(self.viewer, layer))

    def _axes(self, layer: Labels) -> str:
        typed: str = self.form.axes.value.strip().upper()
        return typed or label_axes(layer, images_on_grid(self.viewer, layer))

    def _are_axes_guessed(self) -> bool:
        """Tell whether neither the user nor a layer gave the axes of a stack."""
        layer = self.form.label_layer.value
        known = known_label_axes(layer, images_on_grid(self.viewer, layer))
        return not known and layer.ndim > 2 and self._axes(layer) == label_axes(layer)

    def _calibrated(self, volume: Volume) -> Volume:
        return with_typed_spacing(volume, self.form.spacing.value)

    def run(self) -> None:
        """Start the measurement; after edits, of changed objects only."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.asked = self._sources()
        if not self.asked.guessed:
            spell_axes(self.asked.layer, job.labels.axes)
        self.asked_state = state_of(self.asked.all)
        if self.live is not None:
            self.live.hold()
        self.panel.start()
        if self.measured is None:
            self.panel.say("Measuring. The first time takes longer, since code is compiled.")
        self.runner.start(measure_job, job)

    def link(self) -> None:
        """Link the objects of a series over time."""
        self._derive(link_job)

    def split_mask(self) -> None:
        """Give each connected component of a mask an id of its own, in a new layer."""
        self._derive(split_job)

    def _derive(self, job: Callable[[Volume], Steps[Any]]) -> None:
        """Start making new labels from those of the layer."""
        layer = self.form.label_layer.value
        if layer is None:
            return
        try:
            labels = self._calibrated(self._volume(layer))
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.asked = Sources(layer)
        self.asked_state = state_of(self.asked.all)
        self.panel.start()
        self.runner.start(job, replace(labels, array=np.array(labels.array)))

    def _finished(self, found: Measured | Tracked | Volume) -> None:
        self.panel.idle()
        assert self.asked is not None
        layer = self.asked.layer
        if layer not in self.viewer.layers:
            self.panel.say("The label layer was removed during the measurement.")
        elif isinstance(found, Measured):
            self._follow(self.asked, found)
        else:
            self.form.label_layer.value = (
                show_split(self.viewer, layer, found)
                if isinstance(found, Volume)
                else show_tracked(self.viewer, layer, found, self.asked_state)
            )
            self.run()

    def _follow(self, sources: Sources, measured: Measured) -> None:
        """Show measurements, and measure again when the labels are edited."""
        before = self.measured if sources.layer is self.layer else None
        live = LiveMeasurement(self.viewer, sources, measured)
        self._leave()
        self.live = live
        live.measured.connect(self._measured_again)
        live.outdated.connect(self._outdated)
        live.restored.connect(self._restored)
        self._show(measured, before)
        live.take(self.asked_state)

    def _leave(self) -> None:
        """Leave the table of the layer measured last: only its features are kept up to date."""
        live, self.live = self.live, None
        if live is None:
            return
        live.measured.disconnect(self._measured_again)
        live.outdated.disconnect(self._outdated)
        live.restored.disconnect(self._restored)
        live.in_dock = False
        live.release()

    def _measured_again(self, measured: Measured) -> None:
        self._show(measured, self.measured)

    def _outdated(self, why: str) -> None:
        self.relabel.setVisible("Relabel" in why)
        if not self.panel.busy:
            self.panel.say(why)

    def _restored(self) -> None:
        if not self.panel.busy and self.measured is not None:
            self.panel.say(self._report(self.measured))

    def _show(self, measured: Measured, before: Measured | None) -> None:
        assert self.live is not None
        sources = self.live.sources
        self.layer, self.measured = sources.layer, measured
        self.objects.show_objects(self.live, measured, before)
        self.live.show_children(measured)
        self.objects.setVisible(True)
        if self.form.label_layer.value is self.layer:
            self.panel.run.setText("Update")
        if not self.panel.busy:
            self.panel.say(self._report(measured))

    def _report(self, measured: Measured) -> str:
        """Offer what the labels need, and return what was measured in words."""
        self.split.setVisible(measured.pieces > 0)
        self.relabel.setVisible(has_gaps(measured.table))
        guessed = self.live is not None and self.live.sources.guessed
        return report(measured, are_axes_guessed=guessed)

    def cancel(self) -> None:
        """Stop within a step; earlier results stay."""
        super().cancel()
        if self.live is not None:
            self.live.release()

    def _failed(self, error: BaseException) -> None:
        if self.live is not None:
            self.live.release()
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
        self.split.setVisible(False)
        self.rescaled.follow(layer)
        if layer is None:
            self.panel.say("Segment an image, or paint labels, to measure them.")
            self._offer_mask()
            self.form.show_row(self.form.axes, visible=False)
            self.link_frames.setVisible(False)
            self._offer_images()
            return
        self.panel.run.setText("Update" if layer is self.layer else "Measure")
        self.panel.say("")
        images = images_on_grid(self.viewer, layer)
        self.form.axes.value = label_axes(layer, images) if 2 < layer.ndim <= 4 else ""
        self.form.show_row(self.form.axes, visible=layer.ndim > 2)
        self._axes_changed()
        self._offer_images()

    def _offer_mask(self, _event: Any = None) -> None:
        """Offer to count a mask that was opened as an image."""
        image = self.viewer.layers.selection.active
        found = isinstance(image, Image) and is_mask(image)
        self.use_mask.setVisible(found)
        if found and self.form.label_layer.value is None:
            self.panel.say(mask_sentence(image))

    def _use_mask(self) -> None:
        image = self.viewer.layers.selection.active
        if isinstance(image, Image) and is_mask(image):
            self.form.label_layer.value = show_mask(self.viewer, image)
            self.run()

    def _axes_changed(self) -> None:
        layer = self.form.label_layer.value
        if layer is None:
            return
        try:
            volume = self._volume(layer)
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.form.spacing.value = self.offered = spacing_text(volume)
        self.form.set_units(volume)
        self.link_frames.setVisible("T" in volume.axes)

    def _rescaled(self) -> None:
        """Follow the voxel size of the layer, unless the user typed another one."""
        if self.form.spacing.value == self.offered:
            self._axes_changed()
        self._offer_images()

    def _offer_images(self, _event: Any = None) -> None:
        layer = self.form.label_layer.value
        self.form.offer_images([] if layer is None else images_on_grid(self.viewer, layer))
