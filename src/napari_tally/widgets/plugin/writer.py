"""Save layers from napari with their calibration and affine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...files import write
from ...files.formats.label_dtype import smallest
from ..layers.placement import placed_volume

if TYPE_CHECKING:
    from napari.layers import Image

    from ...core.volume import Volume

_GEOMETRY = (
    "name", "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels", "rgb",
    "metadata",
)  # fmt: skip


def write_image(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer in the format that the path's suffix names."""
    write(volume_to_write(data, meta, is_labels=False), path)
    return [path]


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a label layer in the format that the path's suffix names, as labels."""
    write(volume_to_write(data, meta, is_labels=True), Path(path))
    return [path]


def volume_to_write(data: Any, meta: dict[str, Any], *, is_labels: bool) -> Volume:
    """Return a layer's data as a volume; labels in the smallest type that holds their ids."""
    volume = placed_volume(_layer(data, meta))
    if not is_labels:
        return volume
    ids = smallest(np.asarray(volume.array), ("uint8", "uint16", "uint32", "int32"))
    return replace(volume, array=ids, is_labels=True)


def _layer(data: Any, meta: dict[str, Any]) -> Image:
    from napari.layers import Image

    finest = data[0] if meta.get("multiscale") else data
    return Image(finest, **{key: meta[key] for key in _GEOMETRY if key in meta})
