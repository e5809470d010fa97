"""Layers of objects that overlap: the full masks of those that others cover in the label layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers.image_layer import PLUGIN, note_geometry

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from .job import Done

_MOST = 4  # layers; deeper piles of objects are in the table and in COCO JSON


def show_overlaps(viewer: ViewerModel, done: Done, contour: int) -> list[Labels]:
    """Show the objects of which others cover a part, in full and with their ids.

    Objects that overlap each other are in different layers. Layers of an earlier run are replaced.
    """
    result, job = done.result, done.job
    base = f"{job.layer_name} {result.nouns[1]} behind"
    for layer in [one for one in viewer.layers if one.metadata.get(PLUGIN, {}).get("of") == base]:
        viewer.layers.remove(layer)
    if not len(result.full_masks):
        return []
    active, added = viewer.layers.selection.active, []
    for number, labels in enumerate(result.full_masks.layers(np.asarray(result.labels))[1:], 1):
        if number > _MOST:
            break
        add: Any = viewer.add_labels
        layer = add(labels, name=base if number == 1 else f"{base} {number}", **job.geometry)
        layer.contour, layer.opacity = contour, 0.4
        layer.metadata[PLUGIN] = {**note_geometry(job.volume), "of": base}
        added.append(layer)
    viewer.layers.selection.active = active  # the labels, to be painted
    return added
