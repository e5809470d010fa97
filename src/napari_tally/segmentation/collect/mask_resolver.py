"""From what a network found in each plane to the objects of a volume."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from ...heads.scored_masks import Masks
from ...mask_sets.join_tiles import tile_warning
from ...mask_sets.panoptic_merge import PanopticMerge
from ...mask_sets.readings import Stacked
from ..maps.stack_strategies import Link
from .mask_collector import MaskCollector

if TYPE_CHECKING:
    from ...mask_sets.mask_set import MaskSet
    from ..masks.plane_masks import PlaneMasks
    from ..setup.run_setup import RunSetup
    from .mask_collector import CollectedMasks

_LISTED = 3  # classes that are named in a note


class MaskResolver:
    """Joins tiles, resolves overlaps and removes small objects, by the parameters of a head.

    Parameters
    ----------
    head : Masks, optional
        Default: that of the setup.
    min_size : int, optional
        Minimum area, px of the network's input. Default: that of the model.
    """

    def __init__(
        self, setup: RunSetup, head: Masks | None = None, min_size: int | None = None
    ) -> None:
        own = head or setup.head
        assert isinstance(own, Masks)
        self.setup, self.head = setup, own
        self.min_size = setup.info.min_size if min_size is None else min_size
        self.link = setup.strategy if isinstance(setup.strategy, Link) else None
        self.warning = ""
        self.collector = MaskCollector(
            setup.volume, self._names, self._merge(1), self._stuff_ids, link=self.link or False
        )

    @property
    def threshold(self) -> float:
        """Minimum score of an object."""
        return self.head.threshold

    @property
    def _names(self) -> tuple[str, ...]:
        reading = self.setup.info.reading
        return (reading.class_names if reading is not None else ()) or self.head.classes

    @property
    def _stuff_ids(self) -> frozenset[int]:
        """The ids of classes that are stuff: those that the head names, and class maps."""
        names, reading = self._names, self.setup.info.reading
        ids = {number for number, name in enumerate(names, 1) if name in self.head.stuff}
        if isinstance(reading, Stacked):
            own = len(reading.objects.classes) if reading.objects is not None else 0
            ids |= set(range(own + 1, len(names) + 1))
        return frozenset(ids)

    def _merge(self, min_pixels: int) -> PanopticMerge:
        return PanopticMerge(least_visible=self.head.least_visible, min_pixels=min_pixels)

    def add(self, index: tuple[int, ...], found: PlaneMasks, scale: float) -> None:
        """Add what was found in a plane.

        Parameters
        ----------
        scale : float
            Pixels of the network's input for one of the image.
        """
        objects = found.objects(self.threshold)
        least = max(1, ceil(self.min_size / scale**2))
        if self.link is None and self.setup.min_voxels is not None:
            least = max(least, ceil(self.setup.min_voxels))
        if objects.masks is None:
            sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
            objects = objects.take(np.flatnonzero(sides.prod(axis=1) >= least))
        self.collector.options = self._merge(least)
        self.warning = self.warning or _tile_warning(found, objects, scale)
        self.collector.add(index, objects, found.stuff)

    def collected(self) -> CollectedMasks:
        """Return the objects of the volume."""
        found = self.collector.collected()
        least = self.setup.min_voxels
        return found if self.link is None or least is None else found.at_least(least)

    def notes(self, found: CollectedMasks) -> list[str]:
        """Return warnings about tiles, and about an image in which nothing was found."""
        notes = [self.warning] if self.warning else []
        classes = found.classes is not None and bool(np.any(found.classes.array))
        if found.count or classes:
            return notes
        return [*notes, nothing_found(self.setup, self._names, self.threshold)]


def nothing_found(setup: RunSetup, names: tuple[str, ...], threshold: float) -> str:
    """Return a sentence for an image without objects: which the model could have found."""
    info, image = setup.info, setup.volume.name
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    count = f"{len(names)} {'classes' if len(names) > 1 else 'class'} ({listed})"
    trained = info.source.trained_on if info.source is not None else ""
    if trained and names:
        return f"{info.name} was trained on {trained}: {count}, and none was found in {image}"
    if trained:
        return f"{info.name} was trained on {trained}, and found nothing in {image}"
    kinds = f" of {count}" if names else ""
    return (
        f"{info.name} found no {info.plural}{kinds} in {image} with a score of at least "
        f"{threshold:g} (set the object size, or a lower threshold)"
    )


def _tile_warning(found: PlaneMasks, objects: MaskSet, scale: float) -> str:
    """Return a warning about the tiles of a plane, in px of the network's input."""
    if len(found.grid) == 1 or not len(objects):
        return ""
    sides = (tuple(round(n * scale) for n in pair) for pair in vars(found.grid).values())
    shape, tile, overlap = ((y, x) for y, x in sides)
    return tile_warning(tile, overlap, shape, replace(objects, boxes=objects.boxes * scale))
