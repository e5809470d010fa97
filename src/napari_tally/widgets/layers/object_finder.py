"""Show the selected object: go to its slice, centre the view and frame it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .image_layer import shown

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels, Shapes
    from numpy.typing import NDArray

NAME = "selected object"
_MARGIN = 2.0  # pixels between an object and its frame


class Finder:
    """Shows the selected label, chosen in napari's table or with the colour picker."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.layer: Labels | None = None
        self.boxes: dict[int, NDArray[np.float64]] = {}
        self.frame: Shapes | None = None

    def follow(self, layer: Labels, table: pd.DataFrame, axes: str) -> None:
        """Follow the selection of a layer; `table` has the bounding boxes in its pixels."""
        if self.layer is not layer:
            self.stop()
            self.layer = layer
            layer.events.selected_label.connect(self.find)
        self.boxes = boxes_of(table, axes)

    def stop(self) -> None:
        """Stop following, and remove the frame."""
        if self.layer is not None:
            self.layer.events.selected_label.disconnect(self.find)
        if self.frame is not None and self.frame in self.viewer.layers:
            self.viewer.layers.remove(self.frame)
        self.layer = self.frame = None

    def find(self) -> None:
        """Show the selected object."""
        layer = self.layer
        if layer is None or layer not in self.viewer.layers:
            return
        box = self.boxes.get(int(layer.selected_label))
        if box is None or box.shape[1] != layer.ndim:
            return
        self._go(layer, box)
        self._draw(layer, box)

    def _go(self, layer: Labels, box: NDArray[np.float64]) -> None:
        """Go to the middle slice of a box, and centre it if it is out of view."""
        world = np.asarray(layer.data_to_world((box[0] + box[1] - 1) / 2))
        dims = self.viewer.dims
        before = dims.ndim - layer.ndim
        for axis in set(range(layer.ndim)) - {d - before for d in dims.displayed}:
            dims.set_point(axis + before, world[axis])
        cuts = shown(self.viewer, layer, layer.data.shape, whole_plane=False)
        ends = zip(cuts, *box, strict=True)
        if not all(cut.start <= low and high <= cut.stop for cut, low, high in ends):
            center = [world[d - before] for d in dims.displayed if d >= before]
            self.viewer.scene.camera.center = (0.0,) * (3 - len(center)) + tuple(center)

    def _draw(self, layer: Labels, box: NDArray[np.float64]) -> None:
        """Draw a rectangle around a box, in the plane of its middle slice."""
        low, high = box[0] - 0.5 - _MARGIN, box[1] - 0.5 + _MARGIN
        middle = np.round((box[0] + box[1] - 1) / 2)
        corners = np.tile(middle, (4, 1))
        corners[:, -2] = low[-2], low[-2], high[-2], high[-2]
        corners[:, -1] = low[-1], high[-1], high[-1], low[-1]
        if self.frame is None or self.frame not in self.viewer.layers:
            self.frame = self._others(layer)
        if self.frame is None:
            self.frame = self._added(layer, corners)
        else:
            self.frame.data = [corners]
        self.viewer.layers.selection.active = layer

    def _others(self, layer: Labels) -> Shapes | None:
        """Return the frame that another dock drew, so that there is only one."""
        if NAME not in self.viewer.layers:
            return None
        found: Any = self.viewer.layers[NAME]
        if found.ndim != layer.ndim:
            return None
        corner = np.ones(layer.ndim)
        same = np.allclose(found.data_to_world(corner), layer.data_to_world(corner))
        return found if same else None

    def _added(self, layer: Labels, corners: NDArray[np.float64]) -> Shapes:
        add: Any = self.viewer.add_shapes
        frame: Shapes = add(
            [corners],
            shape_type="rectangle",
            face_color="transparent",
            edge_color="yellow",
            edge_width=1,
            name=NAME,
            scale=layer.scale,
            translate=layer.translate,
            rotate=layer.rotate,
            shear=layer.shear,
            affine=layer.affine,
            units=layer.units,
            axis_labels=layer.axis_labels,
        )
        frame.editable = False
        return frame


def boxes_of(table: pd.DataFrame, axes: str) -> dict[int, NDArray[np.float64]]:
    """Return the first and the one-past-last pixel along each axis, shape (2, n), by label."""
    low, high = [], []
    for axis in axes.lower():
        single = axis in table.columns  # the frame or slice of an object
        ends = (axis, axis) if single else (f"bbox_{axis}_min_px", f"bbox_{axis}_max_px")
        start, stop = (table[end].to_numpy(float, na_value=np.nan) for end in ends)
        low.append(start)
        high.append(stop + single)
    both = np.stack([np.stack(low, -1), np.stack(high, -1)], 1)
    pairs = zip(map(int, table["label"]), both, strict=True)
    return {label: box for label, box in pairs if np.isfinite(box).all()}
