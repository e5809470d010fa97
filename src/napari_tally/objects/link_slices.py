"""Slice linking: objects of a stack from objects of its slices, matched one to one by overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

Labels = NDArray[np.integer]


def link_slices(
    labels: Labels, least_overlap: float = 0.3, gap: int = 1, waist: float = 0.75
) -> NDArray[np.int32]:
    """Give overlapping objects of neighbouring slices one id.

    Slice by slice, objects are matched with those of the slice before, maximizing the sum of
    overlaps, so an object cannot take the match of its neighbour. Unmatched objects may match
    further back, up to `gap` slices away; the slices between are filled by shape interpolation.
    Objects with a waist along Z are split: two objects, one above the other.

    Parameters
    ----------
    labels : ndarray of int, shape (Z, Y, X)
        The objects of each slice; ids need only be unique within a slice.
    least_overlap : float
        Minimum overlap (intersection over union) of a match.
    gap : int
        Maximum number of slices in a row in which an object may be missing.
    waist : float
        An object is split where its area is less than this share of its areas above and below; 0
        never splits.

    Returns
    -------
    ndarray of int32, shape (Z, Y, X)
        Consecutive ids from 1.

    Raises
    ------
    InputError
        If the labels are not a stack.
    """
    if labels.ndim != 3:
        raise InputError(f"Labels must be a stack (Z, Y, X), not an array of shape {labels.shape}")
    linked = np.zeros(labels.shape, np.int32)
    count, bridges = 0, []
    for z, found in enumerate(labels):
        ids = _consecutive(found)
        owner = np.zeros(int(ids.max(initial=0)) + 1, np.int32)
        for back in range(1, min(gap + 1, z) + 1):
            free = np.where(owner[ids] > 0, 0, ids)
            for one, track in _pairs(free, linked[:z], back, least_overlap):
                owner[one] = track
                if back > 1:
                    bridges.append(_Bridge(track, z - back, z))
        new = np.flatnonzero(owner[1:] == 0) + 1
        owner[new] = count + 1 + np.arange(len(new))
        count += len(new)
        linked[z] = owner[ids]
    for bridge in bridges:
        bridge.fill(linked)
    return _split(linked, waist) if waist else linked


@dataclass(frozen=True, slots=True)
class _Bridge:
    """An object that is missing in the slices between two."""

    track: int
    low: int
    high: int

    def fill(self, linked: NDArray[np.int32]) -> None:
        """Interpolate the shape in these slices, over background only."""
        from scipy.ndimage import find_objects

        ends = [linked[z] == self.track for z in (self.low, self.high)]
        box = find_objects((ends[0] | ends[1]).astype(np.uint8))[0]
        depth = [_signed_distance(end[box]) for end in ends]
        for z in range(self.low + 1, self.high):
            part = (z - self.low) / (self.high - self.low)
            inside = (1 - part) * depth[0] + part * depth[1] > 0
            here = linked[z][box]
            here[inside & (here == 0)] = self.track


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance to the outline, negative outside."""
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(mask, 1)
    signed = distance_transform_edt(padded) - distance_transform_edt(~padded)
    inner: NDArray[np.float64] = signed[1:-1, 1:-1]
    return inner


def _consecutive(labels: Labels) -> NDArray[np.intp]:
    present = np.unique(labels[labels > 0])
    return np.where(labels > 0, np.searchsorted(present, labels) + 1, 0)


def _pairs(
    ids: NDArray[np.intp], linked: NDArray[np.int32], back: int, least: float
) -> list[tuple[int, int]]:
    """Match objects of a slice, shape (Y, X), with tracks that end `back` slices before it."""
    from scipy.optimize import linear_sum_assignment

    before = linked[-back]
    if back > 1:
        before = np.where(np.isin(before, linked[-back + 1 :]), 0, before)
    both = (ids > 0) & (before > 0)
    if not both.any():
        return []
    here, one = np.unique(ids[both], return_inverse=True)
    there, other = np.unique(before[both], return_inverse=True)
    shared = np.zeros((len(here), len(there)))
    np.add.at(shared, (one, other), 1)
    sizes = np.bincount(ids.ravel())[here][:, None] + np.bincount(before.ravel())[there]
    iou = shared / (sizes - shared)
    gain = np.where(iou >= least, iou, 0)
    chosen = linear_sum_assignment(gain, maximize=True)
    return [(int(here[i]), int(there[j])) for i, j in zip(*chosen, strict=True) if gain[i, j] > 0]


def _split(linked: NDArray[np.int32], waist: float) -> NDArray[np.int32]:
    """Split objects at their waists along Z and number the parts from 1."""
    from scipy.ndimage import find_objects

    parts, count = np.zeros_like(linked), 0
    for track, box in enumerate(find_objects(linked), start=1):
        if box is None:
            continue
        own = linked[box] == track
        number = count + 1 + np.cumsum(_waists(own.sum((1, 2)), waist))
        count = int(number[-1])
        np.copyto(parts[box], number[:, None, None], where=own, casting="same_kind")
    return parts


def _waists(areas: NDArray[np.integer], waist: float) -> NDArray[np.bool_]:
    """Return which slices begin a new object: the narrowest one between two wide parts."""
    starts = np.zeros(len(areas), bool)
    if len(areas) < 3:
        return starts
    below, above = np.maximum.accumulate(areas), np.maximum.accumulate(areas[::-1])[::-1]
    width = areas / np.minimum(below, above)
    place = int(width.argmin())
    if width[place] < waist:
        starts[place] = True
        starts[:place] |= _waists(areas[:place], waist)
        starts[place:] |= _waists(areas[place:], waist)
    return starts
