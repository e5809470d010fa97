"""Saving layers from napari with their calibration and their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.quantity import LENGTHS, canonical_unit
from ..core.volume import SPATIAL, Volume
from ..files import write
from ..files.labels import smallest
from ..files.world import Matrix, lengths
from .layer_volume import axes_of, volume_of

if TYPE_CHECKING:
    from napari.layers import Image

_GEOMETRY = (
    "name", "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels", "rgb",
)  # fmt: skip


def write_image(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer in the format that the path's suffix names."""
    write(placed_volume(_layer(data, meta)), path)
    return [path]


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a label layer in the format that the path's suffix names, as labels."""
    volume = placed_volume(_layer(data, meta))
    ids = smallest(np.asarray(volume.array), ("uint8", "uint16", "uint32", "int32"))
    write(replace(volume, array=ids, is_labels=True), Path(path))
    return [path]


def placed_volume(layer: Image) -> Volume:
    """Return a layer as a volume with all that the layer says of its place in the world."""
    axes = axes_of(layer)
    volume = volume_of(layer, axes)
    if not volume.calibrated:
        return volume
    drawn = axes.removesuffix("C") if layer.rgb else axes
    spots = [i for i, a in enumerate(drawn) if a in SPATIAL]
    factors = [LENGTHS[canonical_unit(str(layer.units[i])) or "um"] for i in spots]
    world = _matrix(layer)
    rows = [*spots, len(drawn)]
    affine = world[np.ix_(rows, rows)]
    affine[:-1] *= np.array(factors)[:, None] / LENGTHS[volume.unit]
    spacing = lengths(affine)
    plain = np.allclose(affine, np.diag([*spacing, 1.0]), rtol=1e-6, atol=1e-9 * max(spacing))
    return replace(volume, spacing=spacing, affine=None if plain else affine)


def _matrix(layer: Image) -> Matrix:
    """Return the whole way from voxels to the world of the viewer."""
    from napari.utils.transforms import Affine

    own = Affine(layer.scale, layer.translate, rotate=layer.rotate, shear=layer.shear)
    whole: Matrix = np.asarray(layer.affine.affine_matrix) @ np.asarray(own.affine_matrix)
    return whole


def _layer(data: Any, meta: dict[str, Any]) -> Image:
    from napari.layers import Image

    finest = data[0] if meta.get("multiscale") else data
    return Image(finest, **{key: meta[key] for key in _GEOMETRY if key in meta})
