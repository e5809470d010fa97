"""The form of the Train dock: training options, pairs of layers, and the model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import LineEdit
from napari.layers import Labels, Shapes
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from ...models.known_models import model_names
from ...training.plan.options import TrainingOptions
from ..controls.choice import Choice
from ..controls.layer_combo import LayerCombo
from ..controls.model_offer import ModelOffer
from ..controls.options_form import OptionsForm
from ..controls.settings import own_models
from .pairs_table import PairsTable

if TYPE_CHECKING:
    from napari.components import ViewerModel


class TrainForm(OptionsForm[TrainingOptions]):
    """Training images and options."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.image = LayerCombo(viewer, follows=False, name="image")
        self.label_layer = LayerCombo(
            viewer, Labels, follows=False, name="labels", label="Ground truth"
        )
        self.known = LayerCombo(
            viewer, Shapes, follows=False, none="everywhere", name="known", label="Annotated",
            tooltip="Shapes around annotated regions, if labels are complete only inside them.",
        )  # fmt: skip
        self.start = Choice(name="start", none="new model")
        self.output = LineEdit(
            name="output", label="Model folder", tooltip="New folder for the model."
        )
        self.output.native.setPlaceholderText("a new folder")
        super().__init__(
            TrainingOptions,
            [self.image, self.label_layer, self.known, "kind", self.start, "steps",
             "augmentation", self.output, "licence"],
            exclude=("validation_names", "device", "resume"),
            fold=("ndim", "head", "class_names", "channel", "validation", "test", "name",
                  "description", "data", "overwrite"),
            unset="automatic",
        )  # fmt: skip
        self.pairs = PairsTable()
        self.add, self.drop = QPushButton("Add pair"), QPushButton("Remove")
        self.add_corrected = QPushButton("Add corrected")
        self.add_corrected.setToolTip(
            "Add label layers that a model made and you corrected, with their images."
        )
        self.browse = QToolButton()
        self.browse.setText("...")
        self.put_below(self.label_layer, self._pairs_with_buttons())
        self.put_beside(self.output, self.browse)
        self.add.clicked.connect(self.add_pair)
        self.drop.clicked.connect(self.pairs.remove_selected)
        self.browse.clicked.connect(self._ask)
        self.offer_models()

    def _pairs_with_buttons(self) -> QWidget:
        part, buttons = QWidget(), QHBoxLayout()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        for button in (self.add, self.add_corrected, self.drop):
            buttons.addWidget(button)
        column.addLayout(buttons)
        column.addWidget(self.pairs)
        return part

    def add_pair(self) -> None:
        """Add the chosen image and labels."""
        if self.image.value is not None and self.label_layer.value is not None:
            self.pairs.add(self.image.value, self.label_layer.value)

    def offer_models(self, chosen: Path | None = None) -> None:
        """List the models to fine-tune, and choose one of the user's if given."""
        own = {*own_models(), *filter(None, [chosen])}
        models = ModelOffer.of(None, sorted(own))
        self.start.offer(models.choices, models.tooltips)
        self.start.value = str(chosen) if chosen else None

    def offer_again(self) -> None:
        """List the models anew; the chosen one stays if it is still there."""
        before = self.start.value
        self.offer_models(Path(before) if before and before not in model_names() else None)
        if before in self.start.choices:
            self.start.value = before

    def begin_with(self, model: str) -> None:
        """Choose a model to fine-tune, by name or folder, unless one is chosen."""
        if self.start.value is not None or not model:
            return
        if model not in self.start.choices:
            self.offer_models(Path(model))
        self.start.value = model

    def _ask(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self.native, "New folder for the model", "my-model")
        if name:
            self.output.value = name
