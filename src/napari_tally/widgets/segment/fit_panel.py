"""Fit a model's numbers to a label layer that holds the truth of the image."""

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
from .job import loaded

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...core.progress import Steps
    from ...core.volume import Volume
    from ...segmentation.tune import Tuning
    from .job import Done, Job


class FitPanel(QWidget):
    """A label layer, and what fits the sliders to it and writes them into a model of one's own."""

    asked = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.truth = LayerCombo(
            viewer, Labels, follows=False, letters=6,
            tooltip="Labels that are right everywhere: painted, or a corrected result.",
        )  # fmt: skip
        self.button = QPushButton("Fit")
        self.button.setToolTip("Find the numbers and smallest size that give these labels best.")
        self.keep = QPushButton("Save...")
        self.keep.setToolTip("Write a model with the numbers that were found to a new folder.")
        row, rows = QHBoxLayout(), QFormLayout(self)
        row.addWidget(self.truth.native, 1)
        row.addWidget(self.button)
        row.addWidget(self.keep)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Fit to", row)
        self.tuning: Tuning | None = None
        self.words: list[str] = []  # of the last fit, until the next run
        self.button.clicked.connect(self.asked)
        self.keep.clicked.connect(self.save)
        self.truth.changed.connect(self._follow)
        self._follow()

    def show_for(self, done: Done | None) -> None:
        """Offer what can be done with a result: models of classes have nothing to fit."""
        self.setVisible(done is not None and not done.model.info.head.class_names)
        if done is None or self.tuning is None or self.job.model != done.job.model:
            self.tuning = None
        self._follow()

    def arguments(self, done: Done) -> tuple[Job, Volume]:
        """Return what `fit_job` needs.

        Raises
        ------
        InputError
            If there are no labels, or they are not of the image's shape.
        """
        layer = self.truth.value
        if layer is None:
            raise InputError("A label layer with the truth is needed", "none", "Paint some labels")
        found = done.result.volume
        whole = tuple(
            n for n, a in zip(done.job.volume.shape, done.job.volume.axes, strict=True) if a != "C"
        )
        labels = np.asarray(layer.data)
        if labels.shape == whole:
            axes = zip(done.job.region.cuts, done.job.volume.axes, strict=True)
            labels = labels[tuple(cut for cut, axis in axes if axis != "C")]
        if labels.shape != found.shape:
            raise InputError(f"Labels of shape {whole} are needed", f"{layer.name}: {labels.shape}")
        self.job = done.job
        return done.job, replace(found, array=labels.copy(), name=layer.name)

    def take(self, tuning: Tuning) -> None:
        """Keep what was found, for a model."""
        self.tuning, self.words = tuning, [f"{line}." for line in tuning.lines()]
        self._follow()

    def save(self) -> None:
        """Ask for a folder and write the model with the numbers that were found."""
        name, _ = QFileDialog.getSaveFileName(self, "A new folder for the model", "my-model")
        if name:
            self.write(Path(name))

    def write(self, folder: Path) -> None:
        """Write the model with the numbers that were found to a new folder."""
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
        """Let go of the viewer."""
        self.truth.stop()

    def _follow(self, _layer: Any = None) -> None:
        self.button.setEnabled(self.truth.value is not None)
        self.keep.setEnabled(self.tuning is not None and bool(self.tuning.changed))


def smallest_text(tuning: Tuning, done: Done) -> str:
    """Return the smallest size that was found as a user writes it, "" where it is the model's own.

    A model's own smallest size always holds: a smaller one is for the model that is saved.
    """
    own, found = done.model.info.min_size, tuning.info.min_size
    ndim = done.model.architecture.spatial_dims
    return f"{found / done.result.scale**ndim:.0f}px{ndim}" if found > own else ""


def fit_job(job: Job, truth: Volume) -> Steps[Tuning]:
    """Find the numbers by which a model gives these labels best; yields every step."""
    from ...segmentation.tune import TuneOptions, tune_steps

    own: dict[str, Any] = {"threshold": None, "tune": {}, "min_size": None}
    options = TuneOptions(segment=job.options.model_copy(update=own))
    return (yield from tune_steps([(job.cut, truth)], loaded(job.model), options))
