"""A combo box of the layers of one type in a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Shapes

from .choice import Choice

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerCombo(Choice):
    """The layers of one type, the topmost first; with `follows` the active layer is selected.

    magicgui's own choices of layers are empty until the widget is in a window, lose their value
    when the layer is renamed, and do not report the removal of the last layer.
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
        """Disconnect from the viewer."""
        for event in self._events():
            event.disconnect(self.reset_choices)
        self.viewer.layers.selection.events.active.disconnect(self._follow)

    def _layers(self, _combo: Any = None) -> list[tuple[str, Any]]:
        layers = reversed(self.viewer.layers)
        return [(layer.name, layer) for layer in layers if isinstance(layer, self.kind)]

    def _events(self) -> tuple[Any, ...]:
        """Return the events that change the list of layers."""
        layers = self.viewer.layers.events
        return layers.inserted, layers.removed, layers.reordered, layers.renamed

    def _follow(self) -> None:
        active = self.viewer.layers.selection.active
        if self.follows and isinstance(active, self.kind):
            self.reset_choices()  # a layer becomes active before its insertion is announced
            if active in self.choices:
                self.value = active
