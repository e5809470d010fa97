"""Objects that overlap: the full masks of those that a label image shows in part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .run_lengths import Mask, Runs, area_of, decoded

Place = tuple[int, ...]
Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class FullMask:
    """The full mask of one object in one plane.

    Attributes
    ----------
    label : int
        The object's id in the label image.
    at, shape : (int, int)
        Row and column of the first pixel of its box; height and width of the box.
    runs : ndarray of uint32
        Run lengths in the box: see `run_lengths`.
    plane : tuple of int
        Index of the plane along the axes before Y and X; () for a 2D image.
    """

    label: int
    at: tuple[int, int]
    shape: tuple[int, int]
    runs: Runs
    plane: Place = ()

    @property
    def box(self) -> tuple[slice, slice]:
        """The box, to index a plane with."""
        (top, left), (height, width) = self.at, self.shape
        return slice(top, top + height), slice(left, left + width)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return area_of(self.runs)

    def mask(self) -> Mask:
        """Return the mask in the box."""
        return decoded(self.runs, self.shape)


@dataclass(frozen=True, eq=False)
class FullMasks:
    """The full masks of all objects of which others cover a part.

    A label image has one id a pixel, that of the object in front. What is behind it is kept here;
    objects that nothing covers are in the label image alone.
    """

    masks: tuple[FullMask, ...] = ()
    _places: dict[tuple[int, Place], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = {(mask.label, mask.plane): i for i, mask in enumerate(self.masks)}
        object.__setattr__(self, "_places", places)

    def __len__(self) -> int:
        return len(self.masks)

    def __iter__(self) -> Iterator[FullMask]:
        return iter(self.masks)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The ids of these objects, sorted."""
        return np.unique(np.array([mask.label for mask in self.masks], np.int64))

    def find(self, label: int, plane: Place = ()) -> FullMask | None:
        """Return the full mask of an object in a plane; None if nothing of it is covered."""
        place = self._places.get((label, plane))
        return None if place is None else self.masks[place]

    def renumbered(self, new: Mapping[int, int]) -> FullMasks:
        """Return the masks of the objects with a new id, under that id."""
        kept = (m for m in self.masks if m.label in new)
        return FullMasks(tuple(replace(m, label=new[m.label]) for m in kept))

    def layers(self, labels: Labels) -> list[Labels]:
        """Return label images without overlaps that together show every object in full.

        Parameters
        ----------
        labels : ndarray of int, shape (..., Y, X)
            The label image. The first of the result has the objects that nothing covers.
        """
        if not self.masks:
            return [labels]
        layer_of = np.zeros(max(int(labels.max()), int(self.labels[-1])) + 1, np.int64)
        for label, others in self._conflicts(labels).items():
            taken = {int(layer_of[other]) for other in others}
            layer_of[label] = next(n for n in range(1, len(taken) + 2) if n not in taken)
        layers = [
            np.where(layer_of[labels] == n, labels, 0).astype(labels.dtype)
            for n in range(int(layer_of.max()) + 1)
        ]
        for each in self.masks:
            layers[layer_of[each.label]][each.plane][each.box][each.mask()] = each.label
        return layers

    def _conflicts(self, labels: Labels) -> dict[int, set[int]]:
        """Return, for each of these objects, which of them it overlaps somewhere."""
        found: dict[int, set[int]] = {int(label): set() for label in self.labels}
        for one, other in self._overlaps(labels):
            if one != other and other in found:
                found[one].add(other)
                found[other].add(one)
        return found

    def _overlaps(self, labels: Labels) -> Iterator[tuple[int, int]]:
        """Yield pairs of an object and one that shares a pixel with it."""
        by_plane = defaultdict(list)
        for each in self.masks:
            by_plane[each.plane].append(each)
            for other in np.unique(labels[each.plane][each.box][each.mask()]):
                yield each.label, int(other)
        for same in by_plane.values():
            for one, other in _box_pairs(same):
                if _share_pixels(one, other):
                    yield one.label, other.label


def _box_pairs(masks: list[FullMask]) -> Iterator[tuple[FullMask, FullMask]]:
    """Yield pairs whose boxes overlap."""
    low = np.array([m.at for m in masks]).reshape(-1, 2)
    high = low + np.array([m.shape for m in masks]).reshape(-1, 2)
    for i, mask in enumerate(masks):
        near = ((low[i + 1 :] < high[i]) & (high[i + 1 :] > low[i])).all(axis=1)
        for j in np.flatnonzero(near):
            yield mask, masks[i + 1 + j]


def _share_pixels(one: FullMask, other: FullMask) -> bool:
    low = np.maximum(one.at, other.at)
    high = np.minimum(np.add(one.at, one.shape), np.add(other.at, other.shape))
    parts = [
        each.mask()[tuple(slice(a, b) for a, b in zip(low - each.at, high - each.at, strict=True))]
        for each in (one, other)
    ]
    return bool((parts[0] & parts[1]).any())


def joined(several: Iterable[FullMasks]) -> FullMasks:
    """Return the full masks of several planes in one."""
    return FullMasks(tuple(mask for each in several for mask in each))
