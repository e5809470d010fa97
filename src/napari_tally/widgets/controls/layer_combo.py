"""A combo box that follows the layers of a kind in a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QWidget

from .narrow_combo import narrowed

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerCombo(QComboBox):
    """The layers of a kind in a viewer; if it follows, a selected one becomes the current one."""

    chosen = Signal(object)  # the layer, or None

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Image | Labels | Shapes] = Image,
        *,
        follows: bool = True,
        none: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.viewer, self.kind, self.follows = viewer, kind, follows
        self.none = none  # what the choice of no layer is called, if there is such
        self.layers: list[Any] = []
        narrowed(self, 12)
        self.currentIndexChanged.connect(self._say)
        for event in self._events():
            event.connect(self.refresh)
        viewer.layers.selection.events.active.connect(self._follow)
        self.refresh()

    @property
    def layer(self) -> Any:
        """The layer chosen now, None without any."""
        index = self.currentIndex()
        return self.layers[index] if 0 <= index < len(self.layers) else None

    def choose(self, layer: Any) -> None:
        """Make a layer the current one."""
        if layer in self.layers:
            self.setCurrentIndex(self.layers.index(layer))

    def refresh(self) -> None:
        """List the layers again, and keep the choice where it is still there."""
        before = self.layer
        self.blockSignals(True)
        found = [a for a in reversed(self.viewer.layers) if isinstance(a, self.kind)]
        self.layers = [None, *found] if self.none else found
        self.clear()
        self.addItems([self.none if layer is None else layer.name for layer in self.layers])
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
        if self.follows and isinstance(active, self.kind):
            self.refresh()  # it is selected before its insertion is told
            self.choose(active)

    def _say(self) -> None:
        self.chosen.emit(self.layer)
