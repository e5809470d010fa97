"""Decode the maps of a plane to objects and classes on the grid of the image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.connected_components import components
from ...heads.base import CERTAIN
from ...heads.object_evidence import means
from ...objects.relabel import relabel, remove_small
from ..maps.blockwise import classes_by_block_steps, objects_by_block_steps
from ..maps.decoded_objects import DecodedObjects
from ..maps.stack_strategies import StackStrategy
from ..setup.estimate import maps_are_large

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...heads.base import Head, Maps
    from ..maps.network_grid import NetworkGrid
    from ..setup.run_setup import RunSetup

Labels = NDArray[np.integer]

_HALO, _CONTEXT = 64, 16  # px: for objects of unknown size; around each object
_WHOLE = StackStrategy()


def decode_steps(setup: RunSetup, maps: Maps | None, grid: NetworkGrid) -> Steps[DecodedObjects]:
    """Decode maps, shape (C, *spatial), to objects and classes on the grid of the image.

    Maps that are too large for memory are decoded block by block, a step each. An empty image has
    None for maps.
    """
    head = setup.head
    if maps is None:
        return _no_objects(setup, grid)
    found = _no_objects(setup, grid)
    if head.finds_objects:
        found = yield from _object_steps(setup, maps, grid)
    if not head.class_names:
        return found

    def codes_of(part: Maps) -> Labels:
        classes = setup.parts(part).classes
        assert classes is not None
        return head.class_codes(classes)

    codes = yield from _voxelwise_steps(setup, maps, grid, codes_of)
    classes, confidence = head.classes_of(codes, found.labels if head.finds_objects else None)
    if setup.separates and not head.finds_objects:
        found = yield from _component_steps(setup, maps, grid, classes)
    regions = codes if head.overlaps else None
    return replace(found, classes=classes, class_confidence=confidence, regions=regions)


def decode_probe(setup: RunSetup, maps: Maps) -> Labels:
    """Decode the small maps from which the object size is estimated, on their own grid.

    Labels are objects, or classes if the head has no objects.
    """
    parts, head = setup.head.split_maps(maps, maps.ndim - 1), setup.head.object_head
    if parts.objects is not None:
        return _WHOLE.decode(parts.objects, head, setup.info.min_size)
    assert parts.classes is not None
    return head.decode(parts.classes)


def decode_labels(
    maps: Maps, grid: NetworkGrid, head: Head, min_size: int, min_voxels: float | None
) -> Labels:
    """Decode maps, shape (C, *spatial), to labels on the grid of the image, without evidence.

    Parameters
    ----------
    min_size : int
        Minimum voxels of an object on the network's grid.
    min_voxels : float, optional
        Minimum voxels of an object on the grid of the image.
    """
    objects = head.split_maps(maps, maps.ndim - 1).objects
    assert objects is not None
    labels = grid.labels_back(_WHOLE.decode(objects, head.object_head, min_size))
    return relabel(labels) if min_voxels is None else remove_small(labels, math.ceil(min_voxels))


def _no_objects(setup: RunSetup, grid: NetworkGrid) -> DecodedObjects:
    """Return no objects and no classes, without memory for an image."""
    empty = np.broadcast_to(np.uint16(0), grid.shape)
    evidence = np.zeros((0, len(setup.head.object_head.evidence_names)))
    classes = empty if setup.head.class_names else None
    votes = np.zeros(0) if setup.head.kind == "panoptic" else None
    return DecodedObjects(empty, evidence, classes, votes)


def _is_large(setup: RunSetup, maps: Maps) -> bool:
    return maps_are_large(maps.shape[0], math.prod(maps.shape[1:]), setup.options)


def _object_steps(setup: RunSetup, maps: Maps, grid: NetworkGrid) -> Steps[DecodedObjects]:
    """Decode the objects of a head that separates them."""

    def decode(part: Maps) -> DecodedObjects:
        head = setup.head.object_head
        return setup.strategy.decode_objects(setup.parts(part), head, setup.info.min_size)

    if _is_large(setup, maps) and setup.strategy.by_block:
        sizes = setup.info.preprocessing.diameter
        halo = _HALO if sizes is None else math.ceil(sizes.high / 2)
        found = yield from objects_by_block_steps(maps, decode, halo + _CONTEXT)
    else:
        found = decode(maps)
    return found.on(grid).large(math.ceil(setup.min_voxels or 1))


def _component_steps(
    setup: RunSetup, maps: Maps, grid: NetworkGrid, classes: Labels
) -> Steps[DecodedObjects]:
    """Return the connected components of each class, above the minimum size."""

    def certainty_of(part: Maps) -> Labels:
        parts = setup.parts(part)
        assert parts.classes is not None
        return setup.head.certainty(parts.classes, parts.spread)

    certainty = yield from _voxelwise_steps(setup, maps, grid, certainty_of)
    given = setup.min_voxels
    min_voxels = setup.info.min_size / grid.density if given is None else given
    labels = remove_small(components(classes), math.ceil(min_voxels))
    count = int(labels.max(initial=0))
    probability = means(labels, certainty, count) / CERTAIN if count else np.zeros(0)
    return DecodedObjects(labels, probability[:, None])


def _voxelwise_steps(
    setup: RunSetup, maps: Maps, grid: NetworkGrid, decode: Callable[[Maps], Labels]
) -> Steps[Labels]:
    """Decode maps voxel by voxel to labels on the grid of the image."""
    if _is_large(setup, maps):
        return grid.labels_back((yield from classes_by_block_steps(maps, decode)))
    if setup.head.resamples_maps:
        return grid.classes_back(maps, decode)
    return grid.labels_back(decode(maps))
