"""Immediate preview of the visible slice; the whole image is decoded in the background."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...segmentation.collect.decode import decode_labels
from ...segmentation.maps.network_grid import NetworkGrid
from ..layers.image_layer import shown

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...segmentation.setup.options import SegmentOptions
    from .job import Done
    from .result_layer import ResultLayer

_MOST = 2**20  # voxels: more would take too long


def show_preview(
    viewer: ViewerModel, result: ResultLayer, done: Done, options: SegmentOptions
) -> None:
    """Decode the visible part of a result with other options.

    Nothing is shown if the layer was edited, or if too much is visible.
    """
    layer = result.layer
    if layer is None or not result.is_ours or done.result.maps is None:
        return
    if done.result.classes is not None or any(m.ndim > 3 for m in done.result.maps[:1]):
        return  # classes may be reoriented, and a slice does not decide a stack: wait for the whole
    cuts = shown(viewer, layer, layer.data.shape, whole_plane=False)
    ndim = done.model.spatial_dims
    lead, plane = cuts[: layer.ndim - ndim], cuts[layer.ndim - ndim :]
    sizes = tuple(cut.stop - cut.start for cut in plane)
    if math.prod(sizes) > _MOST or any(cut.stop - cut.start != 1 for cut in lead):
        return
    shape = layer.data.shape
    number = np.ravel_multi_index([c.start for c in lead], shape[: len(lead)]) if lead else 0
    maps = done.result.maps[int(number)]
    if not maps.size:
        return
    grid = maps.shape[1:]
    inner = tuple(
        slice(c.start * g // n, max(c.start * g // n + 1, math.ceil(c.stop * g / n)))
        for c, g, n in zip(plane, grid, shape[-ndim:], strict=True)
    )
    smallest = options.min_voxels(done.job.cut, ndim)
    info = done.model.info
    head, here = options.tuned(info.head), NetworkGrid(sizes)
    found = decode_labels(maps[(slice(None), *inner)], here, head, info.min_size, smallest)
    labels = np.array(layer.data)
    labels[(*(c.start for c in lead), *plane)] = found
    result.put(labels)
