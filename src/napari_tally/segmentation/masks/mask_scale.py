"""Choose the scale at which a network returns fine masks: its own, or enlarged and tiled.

Masks live on a quarter of the network's input grid, so that objects of a few pixels get coarse
outlines or are missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..setup.mask_layout import MOST_SCALE
from .plane_masks import diameters

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...mask_sets.mask_set import MaskSet
    from ..setup.mask_layout import Layout
    from ..setup.tile_grid import Place
    from .mask_run import MaskRun
    from .plane_masks import PlaneMasks

_LARGEST = 3  # sides of the largest object in a tile
_WORTH = 1.25  # least factor for which an image is run again
_SAME_IOU = 0.3
_FOUND_AGAIN = 0.7  # share of the scores of objects that an enlarged tile must find again


@dataclass(frozen=True, eq=False)
class ChosenScale:
    """How the planes of an image are run.

    Attributes
    ----------
    layout : Layout
    diameter : float, optional
        Of the objects, px of the image: set or estimated.
    scale : float
        Pixels of the network's input for one of the image.
    note : str
        For the user, or "".
    first : PlaneMasks, optional
        What is found in the middle plane with this layout.
    """

    layout: Layout
    diameter: float | None
    scale: float
    note: str = ""
    first: PlaneMasks | None = None


def choose_scale_steps(
    run: MaskRun, index: tuple[int, ...], threshold: float
) -> Steps[ChosenScale]:
    """Choose the layout for an object size that is set, or by what is found in a plane.

    The whole image is run first, as the model's own code does it. If nothing is found because it
    was downscaled, it is run at its own size in tiles. If the objects are smaller than masks
    resolve, it is enlarged; for models of unknown object size only if a tile finds the same objects
    again.
    """
    given = run.setup.diameter
    if given is not None:
        return _for_diameter(run, given)
    return (yield from _Search(run, index, threshold).steps())


def _for_diameter(run: MaskRun, diameter: float) -> ChosenScale:
    """Return the layout for objects of that diameter in the image."""
    layout, scale = run.layouts.for_diameter(diameter)
    note = ""
    if layout.scale is not None and scale != 1:
        note = f"Object diameter: {diameter:.3g} px; image {_resized(scale)} for the network"
    return ChosenScale(layout, diameter, scale, note)


def _resized(scale: float) -> str:
    return f"{'upscaled' if scale > 1 else 'downscaled'} to {scale:.2g}x"


@dataclass(frozen=True, eq=False)
class _Search:
    """A search for the scale by runs on one plane."""

    run: MaskRun
    index: tuple[int, ...]
    threshold: float

    def steps(self) -> Steps[ChosenScale]:
        """Return the scale; yield every tile."""
        chosen = yield from self._at(self.run.layouts.whole(), self.run.layouts.own_scale)
        if chosen.diameter is None and chosen.scale < 1 / _WORTH:
            finer = yield from self._at(self.run.layouts.tiled(1.0), 1.0)
            if finer.diameter is None:
                return chosen
            chosen = finer
        if chosen.diameter is None or chosen.first is None:
            return chosen
        chosen = yield from self._fitted(chosen, chosen.diameter, chosen.first)
        return (yield from self._with_overlap(chosen))

    def _at(self, layout: Layout, scale: float) -> Steps[ChosenScale]:
        found = yield from self.run.plane_steps(self.index, layout)
        size = diameters(found.objects(self.threshold))
        diameter = float(np.median(size)) if len(size) else None
        note = ""
        if layout.scale is not None and len(layout.grid) > 1:
            note = f"The image is run in {len(layout.grid)} tiles at {scale:.2g}x its size"
        return ChosenScale(layout, diameter, scale, note, found)

    def _with_overlap(self, chosen: ChosenScale) -> Steps[ChosenScale]:
        """Return the layout with tiles that overlap by the largest object."""
        if len(chosen.layout.grid) == 1 or chosen.first is None:
            return chosen
        largest = _largest(chosen.first.objects(self.threshold))
        layout = self.run.layouts.tiled(chosen.scale, largest)
        if largest <= min(chosen.layout.grid.overlap) or layout.grid == chosen.layout.grid:
            return chosen
        found = yield from self.run.plane_steps(self.index, layout)
        return replace(chosen, layout=layout, first=found)

    def _fitted(
        self, chosen: ChosenScale, diameter: float, first: PlaneMasks
    ) -> Steps[ChosenScale]:
        """Return another scale if the objects are too small (or too large) in the input."""
        sizes, known = (
            self.run.layouts.sizes,
            self.run.setup.info.preprocessing.diameter is not None,
        )
        if sizes.low <= diameter * chosen.scale <= sizes.high:
            return chosen
        objects = first.objects(self.threshold)
        largest = _largest(objects)
        scale = min(sizes.typical / diameter, MOST_SCALE)
        if scale > chosen.scale:  # the largest object must fit into tiles
            roomy = min(self.run.layouts.tile_side()) / (_LARGEST * largest)
            scale = max(chosen.scale, min(scale, roomy))
        if chosen.scale / _WORTH < scale < chosen.scale * _WORTH:
            return chosen
        if not known and not self._finds_again(objects, scale):
            return chosen
        layout = self.run.layouts.tiled(scale, largest)
        found = yield from self.run.plane_steps(self.index, layout)
        sizes_found = diameters(found.objects(self.threshold))
        if not len(sizes_found):
            return chosen
        diameter = float(np.median(sizes_found))
        note = (
            f"Estimated object diameter: {diameter:.3g} px (set the object size to override it); "
            f"image {_resized(scale)} for the network, in {len(layout.grid)} tiles"
        )
        return ChosenScale(layout, diameter, scale, note, found)

    def _finds_again(self, objects: MaskSet, scale: float) -> bool:
        """Return whether a tile at that scale has the objects that were found in it before."""
        place = self._tile_of_most(objects, scale)
        found = self.run.tile_objects(self.index, place, scale)
        before = objects.take(_inside(objects, place))
        if not len(before):
            return False
        offset = np.array([place[0].start, place[1].start] * 2, np.float32)
        iou = _box_iou(before.boxes, found.boxes + offset)
        again = iou.max(axis=1, initial=0) >= _SAME_IOU
        return float(before.scores[again].sum()) >= _FOUND_AGAIN * float(before.scores.sum())

    def _tile_of_most(self, objects: MaskSet, scale: float) -> Place:
        """Return the tile around the middle one of the objects."""
        middle = np.median((objects.boxes[:, :2] + objects.boxes[:, 2:]) / 2, axis=0)
        grid = self.run.layouts.tiled(scale).grid
        cut = []
        for axis in (0, 1):
            n, tile = grid.shape[axis], min(grid.tile[axis], grid.shape[axis])
            start = int(np.clip(middle[axis] - tile / 2, 0, n - tile))
            cut.append(slice(start, start + tile))
        return cut[0], cut[1]


def _largest(objects: MaskSet) -> float:
    """Return the longest side of an object, px of the image."""
    return float((objects.boxes[:, 2:] - objects.boxes[:, :2]).max(initial=0))


def _inside(objects: MaskSet, place: Place) -> np.ndarray:
    """Return the objects that lie in a tile as a whole."""
    low = np.array([place[0].start, place[1].start])
    high = np.array([place[0].stop, place[1].stop])
    within = (objects.boxes[:, :2] >= low) & (objects.boxes[:, 2:] <= high)
    return np.flatnonzero(within.all(axis=1))


def _box_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the IoU of each box with each other one."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(area[0][:, None] + area[1] - shared, 1e-6))
