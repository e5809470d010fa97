"""The controls of the Train dock: pairs of layers, what to begin with, where the model goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Shapes
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QWidget,
)

from ...models.bundle import METADATA, shipped_models
from ..controls.layer_combo import LayerCombo
from ..controls.settings import remembered

if TYPE_CHECKING:
    from napari.components import ViewerModel

NOTHING, PLANNED, EVERYWHERE = "nothing", "as planned", "everywhere"
KINDS = {"as they look": None, "ids of objects": "instances", "ids of classes": "classes"}
_IMAGE, _LABELS, _SPARED = range(3)
_ROWS = 3  # of pairs that are shown without scrolling


@dataclass(frozen=True, eq=False)
class PairOfLayers:
    """An image layer, its labels, and whether it is spared for the validation."""

    image: Any
    labels: Any
    spared: bool


class TrainForm(QWidget):
    """What to learn from, and how."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = LayerCombo(viewer, follows=False)
        self.labels = LayerCombo(viewer, Labels, follows=False)
        self.add, self.drop = QPushButton("Add pair"), QPushButton("Remove")
        self.add_corrected = QPushButton("Add corrected")
        self.add_corrected.setToolTip(
            "Add what a model has found and you have painted on since, with its image."
        )
        self.pairs = QTableWidget(0, 3)
        self.known = LayerCombo(viewer, Shapes, follows=False, none=EVERYWHERE)
        self.known.setToolTip("Shapes inside of which the labels are complete; outside nothing is")
        self.kind = QComboBox()
        self.kind.setToolTip("Show plan tells what they are taken for.")
        for words, kind in KINDS.items():
            self.kind.addItem(words, kind)
        self.start, self.augmentation = QComboBox(), QComboBox()
        self.start.setToolTip("A model to go on from: better than nothing with few images.")
        self.augmentation.addItems([PLANNED, "none", "light", "strong"])
        self.steps, self.output, self.licence = QLineEdit(), QLineEdit(), QLineEdit()
        self.steps.setPlaceholderText(PLANNED)
        self.output.setPlaceholderText("a new folder")
        self.licence.setPlaceholderText("of the model, such as CC0-1.0")
        self.browse = QToolButton()
        self.browse.setText("...")
        self._dress_pairs()
        self._lay()
        self.add.clicked.connect(self.add_pair)
        self.drop.clicked.connect(self._drop)
        self.browse.clicked.connect(self._ask)
        self.offer_models()

    def _dress_pairs(self) -> None:
        self.pairs.setHorizontalHeaderLabels(["Image", "Labels", "Validate"])
        self.pairs.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.pairs.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.pairs.setToolTip(
            "Ticked ones are not learnt from: by them the best weights are chosen."
        )
        header, side = self.pairs.horizontalHeader(), self.pairs.verticalHeader()
        assert header is not None and side is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        side.setVisible(False)
        self.pairs.setFixedHeight(header.sizeHint().height() + _ROWS * side.defaultSectionSize())

    def _lay(self) -> None:
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setVerticalSpacing(4)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        buttons, folder = QHBoxLayout(), QHBoxLayout()
        for part in (self.add, self.add_corrected, self.drop):
            buttons.addWidget(part)
        folder.addWidget(self.output, 1)
        folder.addWidget(self.browse)
        rows.addRow("Image", self.image)
        rows.addRow("Labels", self.labels)
        rows.addRow(buttons)
        rows.addRow(self.pairs)
        rows.addRow("Labels are", self.kind)
        rows.addRow("Complete", self.known)
        rows.addRow("Begin with", self.start)
        rows.addRow("Steps", self.steps)
        rows.addRow("Augmentation", self.augmentation)
        rows.addRow("Model", folder)
        rows.addRow("Licence", self.licence)

    def add_pair(self) -> None:
        """Add the image and the labels that are chosen now."""
        if self.image.layer is not None and self.labels.layer is not None:
            self.add_layers(self.image.layer, self.labels.layer)

    def add_layers(self, image: Any, labels: Any) -> None:
        """Add a pair, unless it is there."""
        if any(p.image is image and p.labels is labels for p in self.chosen()):
            return
        row = self.pairs.rowCount()
        self.pairs.insertRow(row)
        for place, layer in ((_IMAGE, image), (_LABELS, labels)):
            item = QTableWidgetItem(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            self.pairs.setItem(row, place, item)
        tick = QTableWidgetItem()
        tick.setCheckState(Qt.CheckState.Unchecked)
        self.pairs.setItem(row, _SPARED, tick)

    def chosen(self) -> list[PairOfLayers]:
        """Return the pairs."""
        return [self._pair(row) for row in range(self.pairs.rowCount())]

    def _pair(self, row: int) -> PairOfLayers:
        image, labels, tick = (self.pairs.item(row, i) for i in range(3))
        assert image is not None and labels is not None and tick is not None
        role = Qt.ItemDataRole.UserRole
        spared = tick.checkState() == Qt.CheckState.Checked
        return PairOfLayers(image.data(role), labels.data(role), spared)

    def _drop(self) -> None:
        rows = {index.row() for index in self.pairs.selectedIndexes()}
        for row in sorted(rows, reverse=True):
            self.pairs.removeRow(row)

    def offer_models(self, chosen: Path | None = None) -> None:
        """List what one may begin with; a model of one's own may be chosen."""
        self.start.clear()
        self.start.addItem(NOTHING, None)
        for name in shipped_models():
            self.start.addItem(name, name)
        folder = remembered().model_folder
        own = (
            {p.parents[1] for p in Path(folder).expanduser().glob(f"*/{METADATA}")}
            if folder
            else set()
        )
        for path in sorted(own | ({chosen} if chosen else set())):
            self.start.addItem(path.name, str(path))
        self.start.setCurrentIndex(max(0, self.start.findData(str(chosen))))

    def begin_with(self, model: str) -> None:
        """Begin with a model, by name or folder, if nothing else was chosen."""
        if self.start.currentData() is not None or not model:
            return
        if self.start.findData(model) < 0:
            self.start.addItem(Path(model).name, model)
        self.start.setCurrentIndex(self.start.findData(model))

    def _ask(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "A new folder for the model", "my-model")
        if name:
            self.output.setText(name)
