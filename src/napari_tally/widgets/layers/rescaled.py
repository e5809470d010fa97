"""Notice that the voxel size of a layer is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Image, Labels


class Rescaled:
    """Calls a function when the scale or the units of the layer that it follows change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._layer: Image | Labels | None = None

    def follow(self, layer: Image | Labels | None) -> None:
        """Follow another layer, or none."""
        for old in filter(None, [self._layer]):
            for event in (old.events.scale, old.events.units):
                event.disconnect(self._tell)
        self._layer = layer
        for new in filter(None, [layer]):
            for event in (new.events.scale, new.events.units):
                event.connect(self._tell)

    def _tell(self, _event: Any = None) -> None:
        self._changed()
