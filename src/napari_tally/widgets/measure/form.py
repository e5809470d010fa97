"""The controls of the Measure dock; they hold values and know no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...features.declare.feature import Cost
from ...features.declare.options import DEFAULT
from ...features.registry import GROUPS
from ..controls.layer_combo import LayerCombo
from ..controls.section import Section

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from ...features.declare.feature import Group

_MOST_IMAGES_SHOWN = 4


class MeasureForm(QWidget):
    """Which labels are measured, in which images, and what of them."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.labels = LayerCombo(viewer, Labels)
        self.axes = QLineEdit()
        self.axes.setToolTip("One letter of TZYX for each axis of the labels.")
        self.images = QListWidget()
        self.images.setToolTip("Images on the same grid, in which intensities are measured.")
        self.parents = LayerCombo(viewer, Labels, follows=False, none="none")
        self.parents.setToolTip("Labels that hold the objects: cells of nuclei, organs of lesions.")
        self.spacing = QLineEdit()
        self.spacing.setPlaceholderText("none: in px")
        self.spacing.setToolTip("Size of a voxel, such as 0.5,0.26,0.26um.")
        self.grow = QLineEdit()
        self.grow.setPlaceholderText("no")
        self.grow.setToolTip(
            "Measure cells besides nuclei: each nucleus grown by a length such as 5um."
        )
        self.groups = {name: _tick(group) for name, group in GROUPS.items()}
        self._lay()

    def _lay(self) -> None:
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setVerticalSpacing(4)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rows.addRow("Labels", self.labels)
        self.rows.addRow("Axes", self.axes)
        self.rows.addRow("Images", self.images)
        self.rows.addRow("Inside of", self.parents)
        self.rows.addRow("Voxel size", self.spacing)
        self.rows.addRow("Grow to cells", self.grow)
        ticks = QWidget()
        column = QVBoxLayout(ticks)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for tick in self.groups.values():
            column.addWidget(tick)
        self.what = Section("What to measure", ticks)
        self.rows.addRow(self.what)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The groups that are ticked."""
        return tuple(name for name, tick in self.groups.items() if tick.isChecked())

    def offer_images(self, layers: list[Image]) -> None:
        """List image layers, ticked; those that were unticked before stay so."""
        off = {layer for layer, ticked in self._listed() if not ticked}
        self.images.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked if layer in off else Qt.CheckState.Checked)
            self.images.addItem(item)
        row = self.images.sizeHintForRow(0) if layers else 0
        self.images.setFixedHeight(row * min(len(layers), _MOST_IMAGES_SHOWN) + 6)
        self.rows.setRowVisible(self.images, bool(layers))

    @property
    def ticked_images(self) -> list[Any]:
        """The image layers that are ticked."""
        return [layer for layer, ticked in self._listed() if ticked]

    def _listed(self) -> list[tuple[Any, bool]]:
        items = [self.images.item(i) for i in range(self.images.count())]
        return [
            (item.data(Qt.ItemDataRole.UserRole), item.checkState() == Qt.CheckState.Checked)
            for item in items
            if item is not None
        ]


def _tick(group: Group) -> QCheckBox:
    """Return a box for a group, which says in its tip what is measured and what it takes."""
    slow = {Cost.PASS: "", Cost.SOME: "", Cost.MUCH: "  (slow)"}[group.cost]
    tick = QCheckBox(group.title + slow)
    tick.setChecked(group.name in DEFAULT)
    names = dict.fromkeys(f.title for f in group.features)
    tick.setToolTip(f"{', '.join(names)}.\nTakes {group.cost.value}.")
    return tick
