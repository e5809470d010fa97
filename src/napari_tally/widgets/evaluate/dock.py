"""The Evaluate dock: how good labels are, beside a truth, and where they are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QCheckBox, QWidget

from ...core.errors import InputError
from ...evaluation.options import EvaluateOptions
from ...metrics.error_types import PREDICTED, TRUE
from ..controls.choice import Choice
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.layer_combo import LayerCombo
from ..controls.length_edit import LengthEdit
from ..controls.options_form import OptionsForm
from ..controls.scroll_area import scrolled
from ..controls.section import Section
from ..controls.wrapped_label import Words
from ..layers.label_layer import label_volume
from ..layers.object_finder import Finder
from .ap_curve_panel import CurvePanel
from .error_layers import FateLayers
from .error_list import FateList
from .job import Compared, EvaluateJob, evaluate_job
from .scores_table import NumbersTable

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...core.volume import Volume

KINDS = (("instances", "instances"), ("classes", "classes"))  # that a label layer may hold


class EvaluateDock(Dock):
    """Compare one or two label layers with a third one that is true."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "Evaluate")
        self.predicted = LayerCombo(
            napari_viewer, Labels, follows=False, name="predicted", label="Prediction",
            tooltip="Labels from a model, or from a person.",
        )  # fmt: skip
        self.second = LayerCombo(
            napari_viewer, Labels, follows=False, none="none", name="second", label="Compare with",
            tooltip="A second prediction to compare.",
        )  # fmt: skip
        self.truth = LayerCombo(
            napari_viewer, Labels, follows=False, name="truth", label="Ground truth",
            tooltip="Labels that are right.",
        )  # fmt: skip
        self.kind = Choice(KINDS, name="kind")
        self.form = OptionsForm(
            EvaluateOptions,
            [self.predicted, self.second, self.truth, self.kind,
             LengthEdit(name="spacing", hint="of the layers", unit="um")],
            fold=("iou", "tolerance"),
        )  # fmt: skip
        self.numbers, self.curve, self.list = NumbersTable(), CurvePanel(napari_viewer), FateList()
        self.show_fates = QCheckBox("Colour objects by match outcome")
        self.legend = Words()
        self.layers = FateLayers(napari_viewer)
        self.finder = Finder(napari_viewer)
        self.compared: Compared | None = None
        self.asked: dict[str, Any] = {}  # the layers that are being compared
        self._build()
        self._connect()

    def _build(self) -> None:
        self.panel.run.setText("Compare")
        self.after = Section("AP by threshold", self.curve)
        column = scrolled(self)
        for part in (
            self.form.native, self.panel, self.numbers, self.show_fates, self.legend, self.list,
            self.after,
        ):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)
        self._show_parts(())

    def _connect(self) -> None:
        self.form.changed.connect(self.accept)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.cancel)
        self.show_fates.toggled.connect(self._fates_toggled)
        self.list.chosen.connect(self._go)
        self.runner.stepped.connect(self.panel.step)
        self.runner.finished.connect(self._finished)

    def let_go(self) -> None:
        """Stop, and follow the viewer no more."""
        super().let_go()
        self.finder.stop()
        self.curve.stop()
        for combo in (self.predicted, self.second, self.truth):
            combo.stop()

    def job(self) -> EvaluateJob:
        """Return what the form asks for now.

        Raises
        ------
        TallyError
            If it cannot be compared; the message says why.
        """
        predicted, truth = self.predicted.value, self.truth.value
        if predicted is None or truth is None:
            raise InputError("There is no label layer", hint="Open a prediction and ground truth")
        if predicted is truth or self.second.value is truth:
            raise InputError(
                f"{truth.name} is both prediction and ground truth", hint="Choose two layers"
            )
        layers = [layer for layer in (predicted, self.second.value) if layer is not None]
        options = self.form.values()
        return EvaluateJob(tuple(_copied(each) for each in layers), _copied(truth), options)

    def run(self) -> None:
        """Compare what the form says."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.asked = {PREDICTED: self.predicted.value, TRUE: self.truth.value}
        self.panel.start()
        self.runner.start(evaluate_job, job)

    def _finished(self, compared: Compared) -> None:
        self.panel.idle()
        self.compared = compared
        self.numbers.show_evaluations(compared.evaluations)
        objects = compared.evaluations[0].scored[0].objects
        self._show_parts((self.numbers,))
        if objects is not None:
            self._show_parts((self.numbers, self.show_fates, self.list, self.after))
            self.list.show_objects(objects)
            self.curve.show_evaluations(compared.evaluations)
            self._fates_toggled(self.show_fates.isChecked())
        notes = [note for each in compared.evaluations for note in each.scored[0].notes]
        self.panel.say("\n".join(dict.fromkeys(notes)))

    def _show_parts(self, parts: tuple[QWidget, ...]) -> None:
        for part in (self.numbers, self.show_fates, self.list, self.after):
            part.setVisible(part in parts)
        self.legend.setVisible(self.show_fates in parts and self.show_fates.isChecked())

    def _fates_toggled(self, on: bool) -> None:
        self.legend.setVisible(on)
        self.legend.setText(self.layers.legend)
        if not on or self.compared is None:
            self.layers.remove()
            return
        there = {s: layer for s, layer in self.asked.items() if layer in self.viewer.layers}
        self.layers.show_fates(there, self.compared.fates)

    def _go(self, side: str, label: int) -> None:
        """Bring an object into view and frame it."""
        layer = self.asked.get(side)
        if self.compared is None or layer is None or layer not in self.viewer.layers:
            return
        volume = self.compared.job.truth if side == TRUE else self.compared.job.predictions[0]
        self.finder.follow(layer, self.compared.places[side], volume.axes)
        layer.selected_label = label
        self.finder.find()


def _copied(layer: Labels) -> Volume:
    volume = label_volume(layer)
    return replace(volume, array=np.array(volume.array))
