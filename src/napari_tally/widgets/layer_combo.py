"""A combo box that follows the image layers of a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerCombo(QComboBox):
    """The image layers of a viewer; a selected layer becomes the current one."""

    chosen = Signal(object)  # the layer, or None

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.layers: list[Image] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.currentIndexChanged.connect(self._say)
        for event in self._events():
            event.connect(self.refresh)
        viewer.layers.selection.events.active.connect(self._follow)
        self.refresh()

    @property
    def layer(self) -> Image | None:
        """The layer chosen now."""
        index = self.currentIndex()
        return self.layers[index] if 0 <= index < len(self.layers) else None

    def choose(self, layer: Image) -> None:
        """Make a layer the current one."""
        if layer in self.layers:
            self.setCurrentIndex(self.layers.index(layer))

    def refresh(self) -> None:
        """List the images again, and keep the choice where it is still there."""
        before = self.layer
        self.blockSignals(True)
        self.layers = [layer for layer in reversed(self.viewer.layers) if isinstance(layer, Image)]
        self.clear()
        self.addItems([layer.name for layer in self.layers])
        if before in self.layers:
            self.setCurrentIndex(self.layers.index(before))
        self.blockSignals(False)
        if self.layer is not before:
            self._say()

    def stop(self) -> None:
        """Let go of the viewer."""
        for event in self._events():
            event.disconnect(self.refresh)
        self.viewer.layers.selection.events.active.disconnect(self._follow)

    def _events(self) -> tuple[Any, ...]:
        """Return what tells that the list of layers changed."""
        layers = self.viewer.layers.events
        return layers.inserted, layers.removed, layers.reordered, layers.renamed

    def _follow(self) -> None:
        active = self.viewer.layers.selection.active
        if isinstance(active, Image):
            self.refresh()  # it is selected before its insertion is told
            self.choose(active)

    def _say(self) -> None:
        self.chosen.emit(self.layer)
