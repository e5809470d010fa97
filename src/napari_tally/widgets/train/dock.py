"""The Train dock: train or fine-tune a model on image and label layers."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPlainTextEdit, QPushButton, QWidget

from ...core.errors import InputError, sentence
from ...core.user_path import user_path
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.model_events import model_events
from ..controls.preload import chart_steps, preload, torch_steps
from ..controls.runner import Runner
from ..controls.scroll_area import scrolled
from ..controls.section import Section
from ..controls.settings import remembered
from ..layers.edited_labels import corrected, is_corrected, sign
from ..layers.image_layer import WHOLE, Region, axes_of, geometry_of, volume_of
from ..layers.label_layer import image_volume, label_volume
from ..layers.same_place import brought
from .curves_panel import TrainingCurves
from .form import TrainForm
from .job import TrainJob, plan_job, preview_job, train_job

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from ...core.progress import Step
    from ...core.volume import Volume
    from ...training.data.labelled_image import Labelled
    from ...training.trained import Trained

_LINES = 200  # of the log that are shown


class TrainDock(Dock):
    """Train on pairs of layers, follow the training, and use the model."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "Train")
        self.form = TrainForm(napari_viewer)
        self.plan, self.pause = QPushButton("Show plan"), QPushButton("Pause")
        self.use = QPushButton("Use in Segment")
        self.show_preview = QCheckBox("Preview after each validation")
        self.curves, self.log = TrainingCurves(napari_viewer), QPlainTextEdit()
        self.previewer = Runner("Preview")
        self.job_now: TrainJob | None = None
        self.trained: Path | None = None
        self.began = 0.0
        self.preview: Any = None  # its layer
        self.preview_of: Any = None  # the image layer
        self._build()
        self._connect()
        preload.begin(torch_steps, needed=True)
        preload.begin(chart_steps)

    def _build(self) -> None:
        self.panel.run.setText("Train")
        self.panel.cancel.setText("Stop and save")
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(_LINES)
        self.log.setFixedHeight(90)
        self.show_preview.setChecked(True)
        self.what = Section("Images and options", self.form.native)
        self.what.open()
        self.more = Section("Curves", self.curves)
        row = QHBoxLayout()
        row.addWidget(self.plan)
        row.addWidget(self.pause)
        buttons = QWidget()
        buttons.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        column = scrolled(self)
        for part in (
            self.what, buttons, self.panel, self.use, self.show_preview, self.more, self.log,
        ):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)
        self.use.setVisible(False)
        self.pause.setEnabled(False)
        self.panel.say("Add pairs of an image and its ground truth, then press Train.")

    def _connect(self) -> None:
        self.form.changed.connect(self.accept)
        self.form.add_corrected.clicked.connect(self.take_corrected)
        self.plan.clicked.connect(self.show_plan)
        self.pause.clicked.connect(self.toggle_pause)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.stop)
        self.use.clicked.connect(self.use_in_segment)
        self.runner.heard.connect(self._hear)
        self.runner.finished.connect(self._finished)
        self.runner.closed.connect(self._closed)
        self.previewer.finished.connect(self._previewed)
        self.previewer.failed.connect(lambda error: self._say(sentence(error)))
        model_events.changed.connect(self._models_changed)

    def _models_changed(self) -> None:
        self.form.offer_again()

    def stop_runs(self) -> None:
        """Stop all runs; the best weights so far are saved."""
        super().stop_runs()
        self.previewer.cancel()

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        super().let_go()
        model_events.changed.disconnect(self._models_changed)
        self.curves.stop()
        for combo in (self.form.image, self.form.label_layer, self.form.known):
            combo.stop()

    def job(self) -> TrainJob:
        """Return the job that the form describes.

        Raises
        ------
        TallyError
            If the form is invalid; the message says what to change.
        """
        form = self.form
        layers = form.pairs.chosen()
        if not layers:
            raise InputError("There are no training images", hint="Press Add pair")
        folder = form.output.value.strip()
        if not folder:
            raise InputError("Model folder is not set", hint="Choose a new folder for the model")
        pairs = [self._labelled(i, pair.image, pair.labels) for i, pair in enumerate(layers)]
        held_out = tuple(p.name for p, pair in zip(pairs, layers, strict=True) if pair.held_out)
        options = form.values(validation_names=held_out, device=remembered().device)
        return TrainJob(tuple(pairs), user_path(folder), options)

    def _labelled(self, number: int, image: Any, labels: Any) -> Labelled:
        from ...training.data.labelled_image import Labelled

        for layer in (image, labels):
            if layer not in self.viewer.layers:
                raise InputError(f"Layer {layer.name} was removed", hint="Remove its pair")
        ground_truth = label_volume(labels, images=[image])
        volume = image_volume(image, ground_truth.axes)
        ground_truth, note = brought(ground_truth, labels, volume, image)
        if note:
            self._say(f"{note}.")
        name = f"{number:03}_{image.name}"
        known = self.form.known.value
        mask = None if known is None else _inside(known, image, ground_truth)
        copied = replace(ground_truth, array=np.array(ground_truth.array))
        return Labelled(name, replace(volume, name=name), copied, known=mask)

    def take_corrected(self) -> None:
        """Add corrected labels to the pairs, to fine-tune the model that made them."""
        found = corrected(self.viewer)
        for pair in found:
            self.form.pairs.add(pair.image, pair.labels)
            self.form.begin_with(pair.model)
        if found:
            self.panel.say(f"Added {', '.join(p.labels.name for p in found)}. Press Train.")
        else:
            self.panel.say(
                "No labels were corrected yet. Edit a label layer made by Segment or Train first."
            )

    def show_plan(self) -> None:
        """Show the training plan, without training."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.job_now = None
        self.panel.start()
        self.runner.start(plan_job, job)

    def run(self) -> None:
        """Start the training."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.job_now, self.trained, self.began = job, None, 0.0
        self.use.setVisible(False)
        self.log.clear()
        self.curves.begin()
        self.panel.start()
        self.pause.setEnabled(True)
        self.what.close_content()
        self.more.open()
        self.runner.start(train_job, job)

    def toggle_pause(self) -> None:
        """Pause after the next step, or resume."""
        paused = self.runner.toggle_pause()
        self.pause.setText("Resume" if paused else "Pause")
        self.panel.say("Paused." if paused else "Resuming...")

    def stop(self) -> None:
        """Stop within a batch, and save the best weights so far as a model."""
        if self.runner.busy:
            self.panel.say("Stopping and saving the best weights so far...")
            self.runner.cancel()

    def _hear(self, step: Step) -> None:
        from ...training.loop.history import Learning

        if step.note:
            self._say(step.note)
        if not isinstance(step, Learning):
            return
        self.curves.add(step)
        self.began = self.began or time.monotonic()
        self.panel.bar.setRange(0, step.total)
        self.panel.bar.setValue(step.done)
        left = (time.monotonic() - self.began) / max(1, step.done) * (step.total - step.done)
        minutes = f"{left / 60:.0f} min" if left > 90 else f"{left:.0f} s"
        self.panel.say(f"Step {step.done:,} of {step.total:,}, at most {minutes} left")
        if step.scores and self.show_preview.isChecked() and not self.previewer.busy:
            self._start_preview()

    def _start_preview(self) -> None:
        layer = self._image_in_view()
        if self.job_now is not None and layer is not None:
            if layer is not self.preview_of:
                self.preview = None
            self.preview_of = layer
            self.previewer.start(preview_job, self.job_now, volume_of(layer), bar=False)

    def _image_in_view(self) -> Image | None:
        """Return the topmost visible image."""
        shown = (i for i in reversed(self.viewer.layers) if isinstance(i, Image) and i.visible)
        return next(shown, None)

    def _previewed(self, labels: NDArray[np.integer]) -> None:
        layer = self.preview_of
        if layer not in self.viewer.layers:
            return
        old = self.preview
        if old is not None and old in self.viewer.layers and not is_corrected(old):
            old.data = labels
        else:
            active = self.viewer.layers.selection.active
            add: Any = self.viewer.add_labels
            axes = axes_of(layer)
            geometry = geometry_of(layer, axes, Region.of(self.viewer, layer, axes, WHOLE))
            self.preview = add(labels, name="training preview", **geometry)
            self.preview.contour = 1
            self.viewer.layers.selection.active = active
        sign(self.preview, layer.name, str(self.job_now.output) if self.job_now else "")

    def _finished(self, trained: Trained | list[str]) -> None:
        if isinstance(trained, list):
            self.log.setPlainText("\n".join(trained))
            self._idle("This is the training plan. Press Train to start.")
            return
        for line in trained.lines():
            self._say(line)
        self._ended(trained.folder)

    def _closed(self) -> None:
        """Offer the model of a stopped run, if there is one."""
        if self.job_now is None:  # it made a plan only
            self._idle("Stopped.")
            return
        output = self.job_now.output
        if output.is_dir():
            self._ended(output)
        else:
            self._idle("Stopped before the first validation: no model was saved.")

    def _ended(self, folder: Path) -> None:
        self.what.open()
        self.trained = folder
        self.use.setVisible(True)
        self.form.offer_models(folder)
        self.form.output.value = str(_next_to(folder))
        self._idle(
            f"Model saved in {folder}. Correct its labels and fine-tune it to improve it further."
        )

    def _failed(self, error: BaseException) -> None:
        self._idle("")
        super()._failed(error)

    def _idle(self, message: str) -> None:
        self.panel.idle()
        self.pause.setEnabled(False)
        self.pause.setText("Pause")
        self.panel.say(message)

    def _say(self, line: str) -> None:
        self.log.appendPlainText(line)

    def use_in_segment(self) -> None:
        """Open the Segment dock with the trained model."""
        window: Any = getattr(self.viewer, "window", None)
        if self.trained is None or window is None:
            return
        remembered().model_folder = str(self.trained.parent)
        dock = window.add_plugin_dock_widget("napari-tally", "Segment", tabify=True)[1]
        dock.form.model.value = str(self.trained)
        dock.picked = True
        show_info(f"The Segment dock now uses {self.trained.name}.")


def _inside(shapes: Any, image: Image, labels: Volume) -> NDArray[np.bool_]:
    """Return a mask of the regions inside shapes, on the grid of labels of an image."""
    masks = np.asarray(_on_image(shapes, image, labels).to_masks(labels.shape))
    if not len(masks):
        raise InputError(
            f"{shapes.name} has no shapes", hint="Draw one around each annotated region"
        )
    return np.asarray(masks.any(axis=0))


def _on_image(shapes: Any, image: Image, labels: Volume) -> Any:
    """Return shapes in the pixels of an image, which may be scaled or moved otherwise."""
    from napari.layers import Shapes

    if shapes.ndim != image.ndim or len(labels.shape) != image.ndim or not len(shapes.data):
        return shapes
    corners = [
        np.array([image.world_to_data(shapes.data_to_world(c)) for c in one]) for one in shapes.data
    ]
    return Shapes(corners, shape_type=list(shapes.shape_type))


def _next_to(folder: Path) -> Path:
    """Return a name for the next model: my-model, my-model-2, my-model-3."""
    stem, _, number = folder.name.rpartition("-")
    base, count = (stem, int(number)) if stem and number.isdigit() else (folder.name, 1)
    return folder.with_name(f"{base}-{count + 1}")
