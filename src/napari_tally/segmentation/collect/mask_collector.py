"""Collect the objects of mask sets, plane by plane, with unique ids in the volume."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.full_masks import FullMask, FullMasks
from ...core.label_ids import renumbered
from ...core.label_ids import sizes as sizes_of
from ...mask_sets.panoptic_merge import PanopticMerge, panoptic_merge
from ...objects.link_slices import link_slices
from ...objects.relabel import smallest
from ..maps.stack_strategies import Link

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ...core.volume import Volume
    from ...mask_sets.mask_set import MaskSet

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CollectedMasks:
    """The objects of a volume, which may overlap.

    Attributes
    ----------
    labels : Volume
        Ids from 1, unique over all planes: of the object in front.
    scores, class_ids, visible : ndarray, shape (objects,)
        Row i is of object i + 1. `visible` counts its voxels in `labels`.
    full : FullMasks
        The full masks of objects of which others cover a part.
    class_names : tuple of str
        Names of the classes that occur or are known, in the order of their ids.
    classes : Volume, optional
        Class ids of things and stuff, from a panoptic model.
    stuff_classes : frozenset of int
        The ids of classes that are stuff.
    lead : str
        Axes along which planes were measured one by one.
    boxes : ndarray of float32, shape (objects, 4), optional
        (y0, x0, y1, x1) of a model that returns boxes alone; `labels` are then empty.
    places : ndarray of int, shape (objects, len(lead)), optional
        The plane of each box.
    """

    labels: Volume
    scores: Floats
    class_ids: NDArray[np.int64]
    visible: NDArray[np.int64]
    full: FullMasks = field(default_factory=FullMasks)
    class_names: tuple[str, ...] = ()
    classes: Volume | None = None
    stuff_classes: frozenset[int] = frozenset()
    lead: str = ""
    boxes: NDArray[np.float32] | None = None
    places: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.scores)

    def at_least(self, voxels: float) -> CollectedMasks:
        """Return the objects of which at least so many voxels are visible."""
        kept = np.flatnonzero(self.visible >= voxels)
        if len(kept) == self.count:
            return self
        new = np.zeros(self.count + 1, np.int64)
        new[kept + 1] = np.arange(1, len(kept) + 1)
        labels = renumbered(np.asarray(self.labels.array), new.astype(smallest(len(kept))))
        ids = {int(old) + 1: int(new[old + 1]) for old in kept}
        return replace(
            self,
            labels=replace(self.labels, array=labels),
            scores=self.scores[kept],
            class_ids=self.class_ids[kept],
            visible=self.visible[kept],
            full=self.full.renumbered(ids),
        )


class MaskCollector:
    """Collects the objects of planes (Y, X) in a volume.

    Parameters
    ----------
    volume : Volume
        The image.
    class_names : tuple of str
        Names of the classes in the order of their ids.
    options : PanopticMerge, optional
        How objects that overlap become labels.
    stuff_classes : collection of int
        Class ids that are stuff.
    link : Link or bool
        Whether the slices of a stack (Z) are linked to objects in 3D, and how.
    """

    def __init__(
        self,
        volume: Volume,
        class_names: tuple[str, ...] = (),
        options: PanopticMerge | None = None,
        stuff_classes: Collection[int] = (),
        *,
        link: Link | bool = False,
    ) -> None:
        self.volume, self.options = volume, options or PanopticMerge()
        self.names, self.stuff_classes = class_names, frozenset(stuff_classes)
        self.axes = volume.axes.replace("C", "")
        self.shape = tuple(volume.shape[volume.axes.index(a)] for a in self.axes)
        self.link = None if "Z" not in self.axes else (Link() if link is True else link or None)
        self.labels = np.zeros(self.shape, np.uint32)
        self.classes: NDArray[np.uint16] | None = None
        self.planes: list[tuple[tuple[int, ...], MaskSet]] = []
        self.visible: list[NDArray[np.int64]] = []
        self.full: list[FullMask] = []
        self.count, self.only_boxes = 0, False

    def add(
        self, index: tuple[int, ...], objects: MaskSet, stuff: NDArray[np.integer] | None = None
    ) -> None:
        """Add the objects of a plane.

        Parameters
        ----------
        index : tuple of int
            Of the plane along the axes before Y and X.
        objects : MaskSet
        stuff : ndarray of int, shape (Y, X), optional
            Class ids of regions behind the objects.
        """
        self.names = self.names or objects.class_names
        if objects.masks is None:
            self.only_boxes = True
            self.planes.append((index, objects.best_first()))
            self.count += len(objects)
            if stuff is not None:
                self._class_image()[index] = stuff
            return
        merged = panoptic_merge(objects, stuff, self.stuff_classes, self.options)
        things = merged.things
        np.add(
            things.labels, self.count, out=self.labels[index], where=things.labels > 0,
            casting="unsafe",
        )  # fmt: skip
        if stuff is not None or self.stuff_classes:
            self._class_image()[index] = merged.classes
        offset = self.count
        self.full += [replace(m, label=m.label + offset, plane=index) for m in things.full]
        self.planes.append((index, things.objects))
        self.visible.append(things.visible)
        self.count += len(things.objects)

    def _class_image(self) -> NDArray[np.uint16]:
        """Return the image of classes, which is made for the first plane that has any."""
        if self.classes is None:
            self.classes = np.zeros(self.shape, np.uint16)
        return self.classes

    def collected(self) -> CollectedMasks:
        """Return the objects of the volume."""
        sets = [objects for _, objects in self.planes]
        scores = _joined([np.asarray(s.scores, np.float64) for s in sets], np.float64)
        class_ids = _joined([s.classes for s in sets], np.int64)
        lead = self.axes[:-2]
        if self.only_boxes:
            return self._boxes(scores, class_ids, lead)
        visible = _joined(self.visible, np.int64)
        found = CollectedMasks(
            self._on_grid(self.labels.astype(smallest(self.count), copy=False)),
            scores,
            class_ids,
            visible,
            FullMasks(tuple(self.full)),
            self._all_names(class_ids),
            None if self.classes is None else self._on_grid(self.classes),
            self.stuff_classes,
            lead,
        )
        return found if self.link is None else self._linked(found, self.link)

    def _boxes(self, scores: Floats, class_ids: NDArray[np.int64], lead: str) -> CollectedMasks:
        boxes = [np.asarray(s.boxes, np.float32) for _, s in self.planes]
        places = [np.tile(np.array(i, np.int64), (len(s), 1)) for i, s in self.planes]
        empty = self._on_grid(np.broadcast_to(np.uint16(0), self.shape))
        return CollectedMasks(
            empty, scores, class_ids, np.zeros(len(scores), np.int64),
            class_names=self._all_names(class_ids), lead=lead, boxes=np.concatenate(boxes),
            places=np.concatenate(places), stuff_classes=self.stuff_classes,
            classes=None if self.classes is None else self._on_grid(self.classes),
        )  # fmt: skip

    def _all_names(self, class_ids: NDArray[np.int64]) -> tuple[str, ...]:
        """Return the names of all classes; those without one are numbered."""
        most = int(class_ids.max(initial=0))
        if self.classes is not None:
            most = max(most, int(self.classes.max(initial=0)))
        return (*self.names, *(f"class {i}" for i in range(len(self.names) + 1, most + 1)))

    def _linked(self, found: CollectedMasks, how: Link) -> CollectedMasks:
        """Return objects linked over slices: each gets the class of most of its voxels."""
        old = np.asarray(found.labels.array)
        stacks = old.reshape(-1, *old.shape[-3:])
        new, owner, count = np.zeros(stacks.shape, np.uint32), np.zeros(self.count + 1, np.int64), 0
        for before, after in zip(stacks, new, strict=True):
            linked = link_slices(before, how.least_overlap, how.gap, how.waist)
            inside = before > 0
            owner[before[inside]] = linked[inside] + count
            np.add(linked, count, out=after, where=linked > 0, casting="unsafe")
            count += int(linked.max(initial=0))
        labels = new.reshape(old.shape).astype(smallest(count))
        of, weight = owner[1:], np.maximum(found.visible, 1)
        total = np.bincount(of, weight, count + 1)[1:]
        scores = np.bincount(of, weight * found.scores, count + 1)[1:] / np.maximum(total, 1)
        votes = np.zeros((count + 1, int(found.class_ids.max(initial=0)) + 1))
        np.add.at(votes, (of, found.class_ids), weight)
        ids = {i: int(n) for i, n in enumerate(owner)}
        return replace(
            found,
            labels=replace(found.labels, array=labels),
            scores=scores,
            class_ids=votes.argmax(axis=1)[1:],
            visible=sizes_of(labels, count)[1:],
            full=found.full.renumbered(ids),
            lead=found.lead.replace("Z", ""),
        )

    def _on_grid(self, array: NDArray[np.integer]) -> Volume:
        """Return ids with the geometry of the image."""
        return replace(self.volume, array=array, axes=self.axes, channel_names=(), is_labels=True)


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
