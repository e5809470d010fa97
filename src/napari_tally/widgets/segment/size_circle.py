"""The object size drawn as a circle on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

NAME = "object size"


def draw_circle(viewer: ViewerModel, layer: Image, diameter_px: float) -> None:
    """Draw a circle of that diameter (px of the image) in the middle of the view."""
    corners = np.asarray(layer.corner_pixels, float)
    middle = corners.mean(0)[-2:]
    reach = diameter_px / 2
    box = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * reach + middle
    shapes = viewer.add_shapes(
        [box],
        shape_type="ellipse",
        face_color="transparent",
        edge_color="yellow",
        edge_width=max(0.5, diameter_px / 30),
        scale=layer.scale[-2:],
        translate=layer.translate[-2:],
        units=layer.units[-2:],
        name=NAME,
    )
    shapes.editable = False


def remove_circle(viewer: ViewerModel) -> None:
    """Remove the circle."""
    if NAME in viewer.layers:
        viewer.layers.remove(NAME)
