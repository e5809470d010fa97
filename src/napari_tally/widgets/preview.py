"""What is on the canvas, decoded anew at once; the rest follows in the background."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..pipeline.grid import NetworkGrid
from ..pipeline.separate import objects_of
from .layer_volume import shown

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..pipeline.options import SegmentOptions
    from .job import Done
    from .result_layer import ResultLayer

_MOST = 2**20  # voxels: more would not be at once


def show_preview(
    viewer: ViewerModel, result: ResultLayer, done: Done, options: SegmentOptions
) -> bool:
    """Decode what is visible of a result by other options; tell whether that was done.

    It is not done where the layer was edited, or where too much is visible.
    """
    layer = result.layer
    if layer is None or not result.is_ours or done.result.maps is None:
        return False
    if done.result.classes is not None:
        return False  # classes may be turned and resampled: they follow in the background
    if any(maps.ndim - 1 != done.model.architecture.spatial_dims for maps in done.result.maps[:1]):
        return False  # so does a stack whose slices were joined
    cuts = shown(viewer, layer, layer.data.shape, whole_plane=False)
    ndim = done.model.architecture.spatial_dims
    lead, plane = cuts[: layer.ndim - ndim], cuts[layer.ndim - ndim :]
    sizes = tuple(cut.stop - cut.start for cut in plane)
    if math.prod(sizes) > _MOST or any(cut.stop - cut.start != 1 for cut in lead):
        return False
    shape = layer.data.shape
    number = np.ravel_multi_index([c.start for c in lead], shape[: len(lead)]) if lead else 0
    maps = done.result.maps[int(number)]
    if not maps.size:
        return False
    grid = maps.shape[1:]
    inner = tuple(
        slice(c.start * g // n, max(c.start * g // n + 1, math.ceil(c.stop * g / n)))
        for c, g, n in zip(plane, grid, shape[-ndim:], strict=True)
    )
    smallest = options.min_voxels(done.job.cut, ndim)
    info = done.model.info
    head, here = options.tuned(info.head), NetworkGrid(sizes)
    found = objects_of(maps[(slice(None), *inner)], here, head, info, smallest)
    labels = np.array(layer.data)
    labels[(*(c.start for c in lead), *plane)] = found
    result.put(labels)
    return True
