"""The controls of the Segment dock, in the order of use; they hold values and know no logic."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QWidget,
)

from ..controls.layer_combo import LayerCombo
from ..controls.narrow_combo import narrowed
from ..controls.wrapped_label import Words
from ..layers.image_layer import REGIONS

if TYPE_CHECKING:
    from napari.components import ViewerModel

STACKS = {
    "auto": "auto", "three views": "views", "linked slices": "link", "slice by slice": "slices",
}  # fmt: skip
DEVICES = ("auto", "cpu", "mps") if sys.platform == "darwin" else ("auto", "cpu", "cuda")


class Form(QWidget):
    """What to segment, with what, and where."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = LayerCombo(viewer)
        self.axes = _line("ZYX", "One letter of TCZYX for each axis of the image.")
        self.channel = _combo("The channel that shows the objects.")
        self.model = _combo("What finds the objects.")
        self.about = Words()
        self.diameter = _line("guessed", "Diameter of the objects, such as 12um or 30px.")
        self.circle = QToolButton()
        self.circle.setText("show")
        self.circle.setCheckable(True)
        self.circle.setToolTip("Draw this size as a circle on the image.")
        self.spacing = _line("none: in px", "Size of a voxel, such as 0.5,0.26,0.26um.")
        self.region = _combo("How much of the image to segment.")
        self.region.addItems(REGIONS)
        self.stack = _combo("How a stack goes through a model for 2D images.")
        for words, name in STACKS.items():
            self.stack.addItem(words, name)
        self.device = _combo("Where the network runs.")
        self.device.addItems(DEVICES)
        self.forecast = Words()
        self._lay()

    def _lay(self) -> None:
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setVerticalSpacing(4)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.size_row = QWidget()
        row = QHBoxLayout(self.size_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.diameter)
        row.addWidget(self.circle)
        self.rows.addRow("Image", self.image)
        self.rows.addRow("Axes", self.axes)
        self.rows.addRow("Channel", self.channel)
        self.rows.addRow("Model", self.model)
        self.rows.addRow(self.about)
        self.rows.addRow("Object size", self.size_row)
        self.rows.addRow("Voxel size", self.spacing)
        self.rows.addRow("Region", self.region)
        self.rows.addRow("Stack", self.stack)
        self.rows.addRow("Device", self.device)
        self.rows.addRow(self.forecast)

    def show_row(self, field: QWidget, *, visible: bool) -> None:
        """Show or hide a control with its title."""
        self.rows.setRowVisible(field, visible)

    def set_channels(self, names: tuple[str, ...]) -> None:
        """Offer channels by name; nothing to choose hides the row."""
        before = self.channel.currentText()
        self.channel.clear()
        self.channel.addItems(names)
        self.channel.setCurrentIndex(max(0, self.channel.findText(before)))
        self.show_row(self.channel, visible=len(names) > 1)


def _combo(tip: str) -> QComboBox:
    combo = narrowed(QComboBox(), 12)
    combo.setToolTip(tip)
    return combo


def _line(hint: str, tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(hint)
    line.setToolTip(tip)
    return line
