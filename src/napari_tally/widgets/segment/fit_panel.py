"""Fit a model's post-processing parameters to ground truth in a label layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QPushButton, QWidget

from ...core.errors import InputError, TallyError, sentence
from ..controls.layer_combo import LayerCombo
from ..layers.label_layer import image_volume, label_volume
from ..layers.same_place import brought
from .job import loaded

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...core.progress import Steps
    from ...core.volume import Volume
    from ...segmentation.tune import Tuning
    from .job import Done, Job


class FitPanel(QWidget):
    """Fit the sliders to a label layer, and save them as a model."""

    asked = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.ground_truth = LayerCombo(
            viewer, Labels, follows=False, letters=6,
            tooltip="Ground truth for this image: painted labels or a corrected result.",
        )  # fmt: skip
        self.button = QPushButton("Fit")
        self.button.setToolTip("Find the parameters that best reproduce these labels.")
        self.keep = QPushButton("Save...")
        self.keep.setToolTip("Save the model with the fitted parameters in a new folder.")
        row, rows = QHBoxLayout(), QFormLayout(self)
        row.addWidget(self.ground_truth.native, 1)
        row.addWidget(self.button)
        row.addWidget(self.keep)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Fit to", row)
        self.tuning: Tuning | None = None
        self.words: list[str] = []  # of the last fit, until the next run
        self.button.clicked.connect(self.asked)
        self.keep.clicked.connect(self.save)
        self.ground_truth.changed.connect(self._follow)
        self._follow()

    def show_for(self, done: Done | None) -> None:
        """Show the panel for models of objects: those of classes or boxes have nothing to fit."""
        info = None if done is None else done.model.info
        fits = info is not None and not info.head.class_names and not info.finds_boxes
        self.setVisible(fits)
        if done is None or self.tuning is None or self.job.model != done.job.model:
            self.tuning = None
        self._follow()

    def arguments(self, done: Done) -> tuple[Job, Volume]:
        """Return what `fit_job` needs.

        Raises
        ------
        InputError
            If there are no labels, or their shape is not that of the image.
        """
        layer = self.ground_truth.value
        if layer is None:
            raise InputError("There is no label layer to fit to", hint="Paint or open labels")
        found = done.result.volume
        whole = tuple(
            n for n, a in zip(done.job.volume.shape, done.job.volume.axes, strict=True) if a != "C"
        )
        labels = np.asarray(layer.data)
        if labels.shape == whole:
            axes = zip(done.job.region.cuts, done.job.volume.axes, strict=True)
            labels = labels[tuple(cut for cut, axis in axes if axis != "C")]
        if labels.shape != found.shape:
            raise InputError(
                f"Layer {layer.name} has shape {labels.shape} but the image {whole}",
                hint="Choose labels of the whole image",
            )
        self._check_place(layer, done.job)
        self.job = done.job
        return done.job, replace(found, array=labels.copy(), name=layer.name)

    def _check_place(self, layer: Labels, job: Job) -> None:
        """Refuse labels that lie elsewhere than the image."""
        image: Any = next((i for i in self.viewer.layers if i.name == job.layer_name), None)
        whole = label_volume(layer, job.volume.axes.replace("C", ""))
        if image is None or image.data is not job.volume.array or not on_whole(whole, job.volume):
            return
        _, note = brought(whole, layer, image_volume(image, whole.axes), image)
        if note:
            raise InputError(note, hint="Store the labels in the orientation of the image")

    def take(self, tuning: Tuning) -> None:
        """Store fitted parameters, to be saved as a model."""
        self.tuning, self.words = tuning, [f"{line}." for line in tuning.lines()]
        self._follow()

    def save(self) -> None:
        """Ask for a folder and save the fitted model in it."""
        name, _ = QFileDialog.getSaveFileName(self, "New folder for the model", "my-model")
        if name:
            self.write(Path(name))

    def write(self, folder: Path) -> None:
        """Save the model with the fitted parameters in a new folder."""
        from ...models.copy_bundle import copy_model

        assert self.tuning is not None
        info = self.tuning.info.model_copy(update={"name": folder.name})
        try:
            copy_model(loaded(self.job.model), info, folder)
        except TallyError as error:
            show_warning(sentence(error))
        else:
            show_info(f"Model written to {folder}")

    def stop(self) -> None:
        """Disconnect from the viewer."""
        self.ground_truth.stop()

    def _follow(self, _layer: Any = None) -> None:
        self.button.setEnabled(self.ground_truth.value is not None)
        self.keep.setEnabled(self.tuning is not None and bool(self.tuning.changed))


def on_whole(labels: Volume, image: Volume) -> bool:
    """Tell whether labels have the shape of a whole image."""
    return labels.spatial_shape == image.spatial_shape


def min_size_text(tuning: Tuning, done: Done) -> str:
    """Return the fitted minimum size as text, "" if it is not above the model's own.

    A model's own minimum size always applies; only a saved model can have a smaller one.
    """
    own, found = done.model.info.min_size, tuning.info.min_size
    ndim = done.model.spatial_dims
    return f"{found / done.result.scale**ndim:.0f}px{ndim}" if found > own else ""


def fit_job(job: Job, ground_truth: Volume) -> Steps[Tuning]:
    """Find the parameters with which a model best reproduces the ground truth; yield every step."""
    from ...segmentation.tune import TuneOptions, tune_steps

    own: dict[str, Any] = {"threshold": None, "tune": {}, "min_size": None}
    options = TuneOptions(segment=job.options.model_copy(update=own))
    return (yield from tune_steps([(job.cut, ground_truth)], loaded(job.model), options))
