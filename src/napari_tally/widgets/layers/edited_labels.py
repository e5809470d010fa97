"""Labels that a model made and a user corrected: training data for fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels

from .label_layer import on_grid
from .layer_state import fingerprint

if TYPE_CHECKING:
    from napari.components import ViewerModel

KEY = "napari-tally found"


@dataclass(frozen=True, eq=False)
class Corrected:
    """Corrected labels of a model, with their image."""

    image: Any
    labels: Any
    model: str


def sign(layer: Labels, image: str, model: str) -> None:
    """Record the image, the model and a checksum of the labels in a layer's metadata."""
    found = fingerprint(layer.data)
    layer.metadata[KEY] = {"image": image, "model": model, "as found": found}


def is_corrected(layer: Labels) -> bool:
    """Tell whether a layer was edited since a model made it."""
    note = layer.metadata.get(KEY)
    return note is not None and fingerprint(layer.data) != note["as found"]


def corrected(viewer: ViewerModel) -> list[Corrected]:
    """Return the corrected label layers whose image is still open, in layer order."""
    images = {layer.name: layer for layer in viewer.layers if isinstance(layer, Image)}
    out = []
    for layer in viewer.layers:
        if not isinstance(layer, Labels) or not is_corrected(layer):
            continue
        note = layer.metadata[KEY]
        image = images.get(note["image"])
        if image is not None and on_grid(image, layer):
            out.append(Corrected(image, layer, note["model"]))
    return out
