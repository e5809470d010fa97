"""A combo box that follows the layers of a kind in a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Shapes

from .choice import Choice

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerCombo(Choice):
    """The layers of a kind, the topmost first; if it follows, an active layer becomes its value.

    magicgui's own choices of layers are empty until the widget lies in a window, forget their
    value when the layer is renamed, and do not say that the last layer is gone.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Image | Labels | Shapes] = Image,
        *,
        follows: bool = True,
        **options: Any,
    ) -> None:
        self.viewer, self.kind, self.follows = viewer, kind, follows
        super().__init__(choices=self._layers, annotation=kind, **options)
        for event in self._events():
            event.connect(self.reset_choices)
        viewer.layers.selection.events.active.connect(self._follow)

    def stop(self) -> None:
        """Let go of the viewer."""
        for event in self._events():
            event.disconnect(self.reset_choices)
        self.viewer.layers.selection.events.active.disconnect(self._follow)

    def _layers(self, _combo: Any = None) -> list[tuple[str, Any]]:
        layers = reversed(self.viewer.layers)
        return [(layer.name, layer) for layer in layers if isinstance(layer, self.kind)]

    def _events(self) -> tuple[Any, ...]:
        """Return what says that the list of layers changed."""
        layers = self.viewer.layers.events
        return layers.inserted, layers.removed, layers.reordered, layers.renamed

    def _follow(self) -> None:
        active = self.viewer.layers.selection.active
        if self.follows and isinstance(active, self.kind):
            self.reset_choices()  # a layer becomes active before its insertion is announced
            if active in self.choices:
                self.value = active
