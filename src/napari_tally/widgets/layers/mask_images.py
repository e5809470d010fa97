"""Binary masks that were opened as images: they are to be counted as labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .image_layer import axes_of, volume_of
from .label_layer import AXES
from .placement import derived_look

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_SAMPLE = 10_000  # values that are checked first


def is_mask(image: Image) -> bool:
    """Tell whether an image in memory has only two values, 0 and another one."""
    if image.rgb or image.multiscale or image.ndim > len(AXES) or "C" in axes_of(image):
        return False
    array = image.data
    if not isinstance(array, np.ndarray) or not array.size:
        return False
    step = max(1, array.size // _SAMPLE)
    if array.dtype.kind not in "buif" or len(np.unique(array.ravel()[::step])) > 2:
        return False
    low, high = array.min(), array.max()
    return bool(low == 0 < high and ((array == 0) | (array == high)).all())


def mask_sentence(image: Image) -> str:
    """Return how to count the objects of a mask that is shown as an image."""
    return (
        f"{image.name} is a binary mask, shown as an image. To count its objects, press "
        "Use mask as labels in the Measure dock."
    )


def show_mask(viewer: ViewerModel, image: Image) -> Labels:
    """Show a mask as labels in a new layer; the image is hidden."""
    volume = volume_of(image, axes_of(image))
    add: Any = viewer.add_labels
    labels: Labels = add(
        (image.data > 0).astype(np.uint8), name=f"{image.name} (labels)",
        **derived_look(image, volume),
    )  # fmt: skip
    image.visible = False
    return labels
