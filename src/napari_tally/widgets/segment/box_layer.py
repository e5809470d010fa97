"""The Shapes layer of a model that returns boxes without masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..layers.image_layer import PLUGIN, note_geometry

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Shapes

    from .job import Done


def show_boxes(viewer: ViewerModel, done: Done) -> Shapes | None:
    """Show the boxes of a result as rectangles, with its table as features; None without boxes.

    A layer of the same name from an earlier run is replaced.
    """
    result, job = done.result, done.job
    if result.boxes is None:
        return None
    name = f"{job.layer_name} {result.nouns[1]} boxes"
    if name in viewer.layers and PLUGIN in viewer.layers[name].metadata:
        viewer.layers.remove(name)
    lead = [a.lower() for a in result.volume.axes[:-2]]
    places = result.table[lead].to_numpy(float)
    add: Any = viewer.add_shapes
    layer: Shapes = add(
        list(_corners(result.boxes, places)),
        shape_type="rectangle",
        ndim=len(result.volume.axes),
        name=name,
        features=result.table.reset_index(drop=True),
        face_color="transparent",
        edge_color="#f58231",
        edge_width=1,
        **job.geometry,
    )
    layer.metadata[PLUGIN] = {
        **note_geometry(job.volume),
        "model": result.model,
        "options": result.options.model_dump(mode="json"),
    }
    return layer


def _corners(
    boxes: NDArray[np.floating[Any]], places: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return the corners of boxes, shape (n, 4, axes); napari's first pixel is centred at 0."""
    y0, x0, y1, x1 = np.asarray(boxes, np.float64).reshape(-1, 4).T - 0.5
    corners = np.stack([np.stack(c, -1) for c in ((y0, x0), (y0, x1), (y1, x1), (y1, x0))], 1)
    lead = np.repeat(places[:, None], 4, axis=1)
    return np.concatenate([lead, corners], axis=2)
