"""Label layers, and the images on their grid, as volumes to be measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels

from ...core.errors import InputError
from ...core.volume import Volume
from .image_layer import axes_of, calibration_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

AXES = "TZYX"


def label_axes(layer: Labels) -> str:
    """Return the axes of a label layer: by its axis labels, else the last ones of TZYX."""
    letters = "".join(str(label).strip()[:1].upper() for label in layer.axis_labels)
    known = set(letters) <= set(AXES) and len(set(letters)) == layer.ndim
    return letters if known and letters.endswith("YX") else AXES[-layer.ndim :]


def label_volume(layer: Labels, axes: str | None = None, images: Sequence[Image] = ()) -> Volume:
    """Return labels as a volume; nothing is copied.

    Uncalibrated labels take the calibration of an image on their grid.

    Raises
    ------
    InputError
        If they are multiscale or have too few or too many axes.
    """
    if layer.multiscale or not 2 <= layer.ndim <= len(AXES):
        problem = "is multiscale" if layer.multiscale else f"has {layer.ndim} axes"
        raise InputError(
            f"Layer {layer.name} {problem}", hint="Choose a single-scale layer of 2 to 4 axes"
        )
    axes = axes or label_axes(layer)
    own = _placed(layer, axes, is_labels=True)
    sources = [own, *(image_volume(image, axes) for image in images)]
    calibrated = next((volume for volume in sources if volume.calibrated), own)
    return replace(own, spacing=calibrated.spacing, unit=calibrated.unit)


def image_volume(image: Image, axes: str) -> Volume:
    """Return an image on the grid of labels of these axes as a volume, with its channels."""
    if image.rgb:
        axes = f"{axes}C"
    elif image.ndim != len(axes):
        axes = axes_of(image)
    return _placed(image, axes, is_labels=False)


def images_on_grid(viewer: ViewerModel, labels: Labels) -> list[Image]:
    """Return the image layers on the grid of a label layer."""
    return [i for i in viewer.layers if isinstance(i, Image) and on_grid(i, labels)]


def on_grid(layer: Image, labels: Labels) -> bool:
    """Tell whether an image without its channels has the shape and voxel size of labels."""
    if layer.multiscale or labels.multiscale:
        return False
    shape, scale = list(layer.data.shape), list(layer.scale)
    if layer.rgb:
        shape.pop()
    elif layer.ndim == labels.ndim + 1 and "C" in (axes := axes_of(layer)):
        channels = axes.index("C")
        del shape[channels], scale[channels]
    return tuple(shape) == labels.data.shape and bool(np.allclose(scale, labels.scale))


def _placed(layer: Image | Labels, axes: str, *, is_labels: bool) -> Volume:
    Volume(layer.data, axes, name=layer.name)  # checks the axes
    spacing, unit = calibration_of(layer, axes)
    return Volume(layer.data, axes, spacing, unit, name=layer.name, is_labels=is_labels)
