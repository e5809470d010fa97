"""Conversion between the transform of a layer and the affine of a volume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.quantity import LENGTHS, canonical_unit
from ...core.volume import SPATIAL, Volume
from ...files.formats.world_coordinates import lengths
from .image_layer import (
    PLUGIN,
    axes_of,
    axis_labels_for,
    note_geometry,
    own_calibration,
    volume_of,
)

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

GEOMETRY = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_PLACED = "placed"  # in a layer's metadata: the file has origin and orientation


def placed_volume(layer: Image, axes: str | None = None) -> Volume:
    """Return a layer as a volume with its origin and orientation.

    A layer that is only scaled has neither, unless `mark_placed` recorded that its file does.
    """
    axes = axes or axes_of(layer)
    volume = volume_of(layer, axes)
    if own_calibration(layer, axes)[0] is None:
        return volume
    volume = in_world(volume, layer)
    affine, spacing = np.array(volume.affine), np.array(volume.spacing)
    plain = np.allclose(affine, np.diag([*spacing, 1.0]), rtol=1e-6, atol=1e-9 * max(spacing))
    from_file = bool(layer.metadata.get(PLUGIN, {}).get(_PLACED))
    return replace(volume, affine=None) if plain and not from_file else volume


def in_world(volume: Volume, layer: Image | Labels) -> Volume:
    """Return the volume of a layer with its affine in the world of the viewer.

    It is in the unit of X, or in px without spacing if a spatial axis of the layer has no length.
    """
    spots = [volume.axes.index(a) for a in volume.spatial_axes]
    rows = [*spots, layer.ndim]
    affine = matrix_of(layer)[np.ix_(rows, rows)]
    spacing, unit = own_calibration(layer, volume.axes)
    if spacing is None:
        return replace(volume, spacing=None, unit="px", affine=affine)
    factors = [LENGTHS[canonical_unit(str(layer.units[i])) or unit] for i in spots]
    affine[:-1] *= np.array(factors)[:, None] / LENGTHS[unit]
    return replace(volume, spacing=lengths(affine), unit=unit, affine=affine)


def mark_placed(volume: Volume) -> dict[str, Any]:
    """Return layer metadata that records whether a volume has origin and orientation."""
    return {PLUGIN: {_PLACED: volume.affine is not None}}


def matrix_of(layer: Image | Labels) -> NDArray[np.float64]:
    """Return the matrix from voxels to the world coordinates of the viewer."""
    from napari.utils.transforms import Affine

    own = Affine(layer.scale, layer.translate, rotate=layer.rotate, shear=layer.shear)
    whole: NDArray[np.float64] = np.asarray(layer.affine.affine_matrix) @ np.asarray(
        own.affine_matrix
    )
    return whole


def geometry_of_volume(volume: Volume) -> dict[str, Any]:
    """Return the layer keywords for the geometry of a volume.

    The scale is the voxel size; the affine rotates and translates the scaled array.
    """
    drawn = volume.axes.replace("C", "") if is_rgb(volume) else volume.axes
    sizes = dict(zip(volume.spatial_axes, volume.spacing_in(volume.unit), strict=True))
    unit = volume.unit if volume.calibrated else "pixel"
    geometry: dict[str, Any] = {
        "scale": [sizes.get(a, 1.0) for a in drawn],
        "units": tuple(unit if a in SPATIAL else "pixel" for a in drawn),
        "axis_labels": tuple(drawn.lower()),
    }
    if volume.affine is None:
        return geometry
    spots = [drawn.index(a) for a in volume.spatial_axes]
    linear = volume.affine[:-1, :-1] / np.array(list(sizes.values()))
    start = np.zeros(len(drawn))
    start[spots] = volume.affine[:-1, -1]
    if np.allclose(linear, np.eye(len(linear)), atol=1e-7):
        return geometry | {"translate": start}
    affine = np.eye(len(drawn) + 1)
    affine[np.ix_(spots, spots)] = linear
    affine[:-1, -1] = start
    return geometry | {"affine": affine}


def is_rgb(volume: Volume) -> bool:
    """Tell whether a volume is shown as one RGB layer."""
    colours = volume.channel_names[:3] == ("red", "green", "blue")
    return colours and volume.axes.endswith("C") and volume.array.dtype == np.uint8


def geometry_like(layer: Image | Labels, axes: str = "") -> dict[str, Any]:
    """Return the keywords that align another layer with a layer, of these axes if given."""
    state = layer.as_layer_data_tuple()[1]
    geometry = {key: state[key] for key in GEOMETRY}
    return geometry | ({"axis_labels": axis_labels_for(layer, axes)} if axes else {})


def derived_look(layer: Image | Labels, volume: Volume) -> dict[str, Any]:
    """Return the keywords of a layer of labels that were made from those of a layer.

    They align it, and keep the axes and the voxel size.
    """
    return {**geometry_like(layer, volume.axes), "metadata": {PLUGIN: note_geometry(volume)}}
