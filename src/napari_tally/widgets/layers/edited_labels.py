"""Labels that a model made and a user corrected: training data for fine-tuning."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from .label_layer import on_grid

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

KEY = "napari-tally found"


@dataclass(frozen=True, eq=False)
class Corrected:
    """Corrected labels of a model, with their image."""

    image: Any
    labels: Any
    model: str


def sign(layer: Labels, image: str, model: str) -> None:
    """Record the image, the model and a checksum of the labels in a layer's metadata."""
    found = fingerprint(np.asarray(layer.data))
    layer.metadata[KEY] = {"image": image, "model": model, "as found": found}


def is_corrected(layer: Labels) -> bool:
    """Tell whether a layer was edited since a model made it."""
    note = layer.metadata.get(KEY)
    return note is not None and fingerprint(np.asarray(layer.data)) != note["as found"]


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


def fingerprint(labels: NDArray[np.integer]) -> int:
    """Return a checksum of labels: painting changes it, renaming the layer does not."""
    return zlib.crc32(np.ascontiguousarray(labels).view(np.uint8).data)
