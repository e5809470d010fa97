"""The Evaluate dock: scores of label layers against ground truth, and where they err."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QCheckBox, QLabel, QWidget

from ...core.errors import InputError
from ...evaluation.options import EvaluateOptions
from ...metrics.error_types import PREDICTED, TRUE
from ..controls.choice import Choice
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.layer_combo import LayerCombo
from ..controls.length_edit import LengthEdit
from ..controls.options_form import OptionsForm
from ..controls.preload import chart_steps, preload
from ..controls.scroll_area import scrolled
from ..controls.section import Section
from ..layers.label_layer import images_on_grid, known_label_axes, label_volume
from ..layers.live_table import LiveTable
from ..layers.object_finder import Finder
from ..layers.same_place import brought
from .ap_curve_panel import CurvePanel
from .error_layers import OutcomeLayers
from .error_list import ErrorList
from .job import Compared, EvaluateJob, evaluate_job
from .scores_table import ScoresTable

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...core.volume import Volume

KINDS = (("instances", "instances"), ("classes", "classes"))  # of ids in a label layer

_TRUE = "the ground truth "
_FLAG, _TICK = "--separate makes", "tick Separate to make"  # how the user chooses


class EvaluateDock(Dock):
    """Compare one or two label layers with ground truth."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "Evaluate")
        self.predicted = LayerCombo(
            napari_viewer, Labels, follows=False, name="predicted", label="Prediction",
            tooltip="Labels to evaluate, from a model or a person.",
        )  # fmt: skip
        self.second = LayerCombo(
            napari_viewer, Labels, follows=False, none="none", name="second", label="Compare with",
            tooltip="A second prediction to compare.",
        )  # fmt: skip
        self.ground_truth = LayerCombo(
            napari_viewer, Labels, follows=False, name="ground_truth", label="Ground truth",
            tooltip="Reference labels to compare with.",
        )  # fmt: skip
        self.kind = Choice(KINDS, name="kind")
        self.form = OptionsForm(
            EvaluateOptions,
            [self.predicted, self.second, self.ground_truth, self.kind,
             LengthEdit(name="spacing", hint="of the layers", unit="um")],
            exclude=("resample",),
            fold=("iou", "tolerance"),
        )  # fmt: skip
        self.scores, self.curve, self.errors = ScoresTable(), CurvePanel(napari_viewer), ErrorList()
        self.show_outcomes = QCheckBox("Colour objects by match outcome")
        self.legend = QLabel()  # rich text, which a wrapped label would elide
        self.legend.setWordWrap(True)
        self.layers = OutcomeLayers(napari_viewer)
        self.finder = Finder(napari_viewer)
        self.compared: Compared | None = None
        self.asked: dict[str, Any] = {}  # the layers that are being compared
        self.live: LiveTable | None = None  # notices edits of the layers compared
        self._build()
        self._connect()
        preload.begin(chart_steps)

    def _build(self) -> None:
        self.panel.run.setText("Compare")
        self.after = Section("AP by threshold", self.curve)
        column = scrolled(self)
        for part in (
            self.form.native, self.panel, self.scores, self.show_outcomes, self.legend, self.errors,
            self.after,
        ):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)
        self._show_parts(())

    def _connect(self) -> None:
        self.form.changed.connect(self.accept)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.cancel)
        self.show_outcomes.toggled.connect(self._outcomes_toggled)
        self.errors.chosen.connect(self._go)
        self.runner.stepped.connect(self.panel.step)
        self.runner.finished.connect(self._finished)

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        super().let_go()
        self.finder.stop()
        if self.live is not None:
            self.live.stop()
        self.curve.stop()
        for combo in (self.predicted, self.second, self.ground_truth):
            combo.stop()

    def job(self) -> EvaluateJob:
        """Return the job that the form describes.

        Raises
        ------
        TallyError
            If the layers cannot be compared; the message says why.
        """
        predicted, ground_truth = self.predicted.value, self.ground_truth.value
        if predicted is None or ground_truth is None:
            raise InputError("There is no label layer", hint="Open a prediction and ground truth")
        if predicted is ground_truth or self.second.value is ground_truth:
            raise InputError(
                f"{ground_truth.name} is both prediction and ground truth", hint="Choose two layers"
            )
        layers = [layer for layer in (predicted, self.second.value) if layer is not None]
        options = self.form.values()
        axes = self._axes([ground_truth, *layers])
        grid = _copied(ground_truth, axes)
        found = [brought(_copied(each, axes), each, grid, ground_truth, _TRUE) for each in layers]
        notes = tuple(note for _, note in found if note)
        return EvaluateJob(tuple(each for each, _ in found), grid, options, notes)

    def _axes(self, layers: Sequence[Labels]) -> str | None:
        """Return the axes of the first layer where they are known, None if no layer has them."""
        known = (known_label_axes(each, images_on_grid(self.viewer, each)) for each in layers)
        return next((axes for axes in known if axes), None)

    def run(self) -> None:
        """Start the comparison."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.asked = {PREDICTED: self.predicted.value, TRUE: self.ground_truth.value}
        layers = (self.predicted.value, self.second.value, self.ground_truth.value)
        self._follow([layer for layer in layers if layer is not None])
        self.panel.start()
        self.runner.start(evaluate_job, job)

    def _finished(self, compared: Compared) -> None:
        self.panel.idle()
        self.compared = compared
        self.scores.show_evaluations(compared.evaluations)
        self._enable(on=True)
        objects = compared.evaluations[0].scored[0].objects
        self._show_parts((self.scores,))
        if objects is not None:
            self._show_parts((self.scores, self.show_outcomes, self.errors, self.after))
            self.errors.show_objects(objects)
            self.curve.show_evaluations(compared.evaluations)
            self._outcomes_toggled(self.show_outcomes.isChecked())
        self._say_notes()
        if self.live is not None and self.live.problem:  # edited during the comparison
            self._outdated(self.live.problem)

    def _say_notes(self) -> None:
        assert self.compared is not None
        notes = [f"{note}." for note in self.compared.job.notes]
        for each in self.compared.evaluations:
            notes += [note.replace(_FLAG, _TICK) for note in each.scored[0].notes]
        self.panel.say("\n".join(dict.fromkeys(notes)))

    def _follow(self, layers: Sequence[Labels]) -> None:
        """Notice edits of the layers that are compared, after which the scores are not theirs."""
        if self.live is not None:
            self.live.stop()
        self.live = LiveTable(layers, "Press Compare for scores of the labels as they are now.")
        self.live.take()
        self.live.outdated.connect(self._outdated)
        self.live.restored.connect(self._restored)

    def _outdated(self, why: str) -> None:
        if not self.panel.busy:
            self.panel.say(why)
            self._enable(on=False)

    def _restored(self) -> None:
        if not self.panel.busy and self.compared is not None:
            self._enable(on=True)
            self._say_notes()

    def _enable(self, *, on: bool) -> None:
        for part in (self.scores, self.errors, self.after):
            part.setEnabled(on)

    def _show_parts(self, parts: tuple[QWidget, ...]) -> None:
        for part in (self.scores, self.show_outcomes, self.errors, self.after):
            part.setVisible(part in parts)
        self.legend.setVisible(self.show_outcomes in parts and self.show_outcomes.isChecked())

    def _outcomes_toggled(self, on: bool) -> None:
        self.legend.setVisible(on)
        self.legend.setText(self.layers.legend)
        if not on or self.compared is None:
            self.layers.remove()
            return
        there = {s: layer for s, layer in self.asked.items() if layer in self.viewer.layers}
        self.layers.show_outcomes(there, self.compared.outcomes, self.asked[TRUE])

    def _go(self, side: str, label: int) -> None:
        """Go to an object and frame it."""
        layer = self.asked.get(side)
        if self.compared is None or layer is None or layer not in self.viewer.layers:
            return
        volume = (
            self.compared.job.ground_truth if side == TRUE else self.compared.job.predictions[0]
        )
        self.finder.follow(layer, self.compared.places[side], volume.axes)
        layer.selected_label = label
        self.finder.find()


def _copied(layer: Labels, axes: str | None) -> Volume:
    fits = axes is not None and len(axes) == layer.ndim
    volume = label_volume(layer, axes if fits else None)
    return replace(volume, array=np.array(volume.array))
