"""Masks drawn on demand: from prototypes, from grids, from a small grid in each box, from runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..core.run_lengths import Runs, decoded, encoded
from .patch import Patch, at_least, drawn, nothing

if TYPE_CHECKING:
    from .frame import Boxes, Frame

Indices = NDArray[np.integer]
Floats = NDArray[np.float32]
_HALF = 0.5


class Masks(Protocol):
    """The masks of several objects, none of which is drawn before it is needed."""

    def draw(self, index: int) -> Patch:
        """Return the mask of an object on the image, in a box that holds all of it."""
        ...

    def take(self, indices: Indices) -> Masks:
        """Return the masks of some of the objects."""
        ...


@dataclass(frozen=True, eq=False)
class PrototypeMasks:
    """Masks as sums of prototypes, one coefficient each.

    Bolya et al., 2019, https://doi.org/10.1109/ICCV.2019.00925.

    Attributes
    ----------
    prototypes : ndarray of float32, shape (k, h, w)
        On a grid that covers the input of the network.
    coefficients : ndarray of float32, shape (n, k)
    boxes : ndarray of float32, shape (n, 4)
        On the image, outside of which a mask is empty.
    crop : str
        "image": logits are interpolated and thresholded at 0; pixels `ceil(x0) <= x < ceil(x1)`
        remain (Ultralytics). "cells": probabilities are set to 0 outside of the box and a margin
        of one cell, then interpolated and thresholded at 0.5 (YOLACT).
    """

    prototypes: Floats
    coefficients: Floats
    boxes: Boxes
    frame: Frame
    crop: Literal["image", "cells"] = "image"

    def take(self, indices: Indices) -> Self:
        """Return the masks of some of the objects."""
        own = self.coefficients[indices], self.boxes[indices]
        return type(self)(self.prototypes, *own, self.frame, self.crop)

    def draw(self, index: int) -> Patch:
        """Return the mask of an object on the image."""
        box = np.asarray(self.boxes[index], np.float64)
        return self._in_cells(index, box) if self.crop == "cells" else self._in_pixels(index, box)

    def _in_pixels(self, index: int, box: NDArray[np.float64]) -> Patch:
        spans = [
            _clipped(int(np.ceil(box[a])), int(np.ceil(box[a + 2])), self.frame.shape[a])
            for a in (0, 1)
        ]
        places = [self.frame.cells(*spans[a], a, self.prototypes.shape[1 + a]) for a in (0, 1)]
        return self._drawn(index, spans, places, threshold=0.0)

    def _in_cells(self, index: int, box: NDArray[np.float64]) -> Patch:
        """Draw with a margin of one cell: a cell `c` stays if `c0 - 1 <= c < c1 + 1`."""
        cells, spans = [], []
        for axis in (0, 1):
            count = self.prototypes.shape[1 + axis]
            to_cells = self.frame.scale[axis] * count / self.frame.input_shape[axis]
            pad = self.frame.pad[axis] * count / self.frame.input_shape[axis]
            low, high = box[axis] * to_cells + pad, box[axis + 2] * to_cells + pad
            kept = _clipped(int(np.ceil(low - 1)), int(np.ceil(high + 1)), count)
            cells.append(kept)
            spans.append(self.frame.pixels_of(kept[0] - 1, kept[1], axis, count))
        places = [self.frame.cells(*spans[a], a, self.prototypes.shape[1 + a]) for a in (0, 1)]
        return self._drawn(index, spans, places, threshold=_HALF, kept=cells)

    def _drawn(
        self,
        index: int,
        spans: list[tuple[int, int]],
        places: list[NDArray[np.float64]],
        threshold: float,
        kept: list[tuple[int, int]] | None = None,
    ) -> Patch:
        if any(low >= high for low, high in spans):
            return nothing()
        ends = [
            (max(int(p[0]), 0), min(int(p[-1]) + 2, n))
            for p, n in zip(places, self.prototypes.shape[1:], strict=True)
        ]
        (y0, y1), (x0, x1) = ends
        if y0 >= y1 or x0 >= x1:
            return nothing()
        grid = np.tensordot(self.coefficients[index], self.prototypes[:, y0:y1, x0:x1], 1)
        if kept is not None:
            grid = 1 / (1 + np.exp(-grid))
            for axis, (low, high) in enumerate(kept):
                at = np.arange(*ends[axis])
                outside = (at < low) | (at >= high)
                grid[outside if axis == 0 else (slice(None), outside)] = 0
        mask = drawn(grid.astype(np.float32), places[0] - y0, places[1] - x0, threshold)
        return Patch(spans[0][0], spans[1][0], mask)


@dataclass(frozen=True, eq=False)
class GridMasks:
    """Masks that a network returns on one grid over its input, such as those of queries.

    Attributes
    ----------
    values : ndarray, shape (n, h, w)
        Logits or probabilities; they are not copied.
    indices : ndarray of int, shape (objects,)
        The row of `values` of each object.
    threshold : float
        Above it a pixel belongs to the object.
    boxes : ndarray of float32, shape (objects, 4), optional
        Boxes on the image that hold the masks, if they are known.
    """

    values: NDArray[np.floating]
    indices: Indices
    frame: Frame
    threshold: float = 0.0
    boxes: Boxes | None = None

    def take(self, indices: Indices) -> Self:
        """Return the masks of some of the objects."""
        boxes = None if self.boxes is None else self.boxes[indices]
        return type(self)(self.values, self.indices[indices], self.frame, self.threshold, boxes)

    def draw(self, index: int) -> Patch:
        """Return the mask of an object on the image."""
        cells = self._cells(index)
        if cells is None:
            return nothing()
        grid = np.asarray(self.values[self.indices[index]])
        spans = [
            self.frame.pixels_of(low - 1, high, axis, grid.shape[axis])
            for axis, (low, high) in enumerate(cells)
        ]
        if any(low >= high for low, high in spans):
            return nothing()
        (y0, y1), (x0, x1) = [
            (max(low - 1, 0), min(high + 1, n))
            for (low, high), n in zip(cells, grid.shape, strict=True)
        ]
        rows, columns = (self.frame.cells(*spans[a], a, grid.shape[a]) for a in (0, 1))
        near = np.asarray(grid[y0:y1, x0:x1], np.float32)
        mask = drawn(near, rows - y0, columns - x0, self.threshold)
        return Patch(spans[0][0], spans[1][0], mask)

    def _cells(self, index: int) -> list[tuple[int, int]] | None:
        """Return the rows and columns of cells above the threshold; None if there are none."""
        grid = np.asarray(self.values[self.indices[index]])
        starts = [0, 0]
        if self.boxes is not None:
            spans = []
            for axis, count in enumerate(grid.shape):
                low, high = self.boxes[index][axis], self.boxes[index][axis + 2]
                ends = self.frame.cells(int(low) - 1, int(np.ceil(high)) + 1, axis, count)
                spans.append(_clipped(int(ends[0]) - 1, int(ends[-1]) + 3, count))
            grid, starts = grid[slice(*spans[0]), slice(*spans[1])], [s[0] for s in spans]
        inside = grid > self.threshold
        found = []
        for axis, start in enumerate(starts):
            at = np.flatnonzero(inside.any(axis=1 - axis))
            if not len(at):
                return None
            found.append((start + int(at[0]), start + int(at[-1]) + 1))
        return found


@dataclass(frozen=True, eq=False)
class BoxedMasks:
    """Masks on a small grid in each box, pasted as Detectron2 does.

    Probabilities are sampled at the centres of pixels, with zeros around the grid, and those of at
    least 0.5 are inside. He et al., 2017, https://doi.org/10.1109/ICCV.2017.322.

    Attributes
    ----------
    values : ndarray of float, shape (n, h, w)
        Probabilities.
    boxes : ndarray of float32, shape (n, 4)
        On the image, not clipped.
    shape : (int, int)
        Of the image.
    """

    values: NDArray[np.floating]
    boxes: Boxes
    shape: tuple[int, int]
    threshold: float = _HALF

    def take(self, indices: Indices) -> Self:
        """Return the masks of some of the objects."""
        return type(self)(self.values[indices], self.boxes[indices], self.shape, self.threshold)

    def draw(self, index: int) -> Patch:
        """Return the mask of an object on the image."""
        grid = np.pad(np.asarray(self.values[index], np.float32), 1)
        places, start = [], []
        for axis in (0, 1):
            low, high = (float(self.boxes[index][axis + side]) for side in (0, 2))
            ends = _clipped(int(np.floor(low)) - 1, int(np.ceil(high)) + 1, self.shape[axis])
            if high <= low or ends[0] >= ends[1]:
                return nothing()
            cells = self.values.shape[1 + axis]
            centres = np.arange(*ends) + 0.5
            place = (centres - low) / (high - low) * cells - 0.5
            places.append(place + 1)  # of the padding
            start.append(ends[0])
        mask = drawn(grid, places[0], places[1], at_least(self.threshold))
        return Patch(start[0], start[1], mask)


@dataclass(frozen=True, eq=False)
class RunMasks:
    """Masks kept as run lengths in their boxes.

    Attributes
    ----------
    at, shapes : ndarray of int, shape (n, 2)
        First row and column of each box; its height and width.
    runs : sequence of ndarray of uint32
    """

    at: NDArray[np.int64]
    shapes: NDArray[np.int64]
    runs: Sequence[Runs]

    @classmethod
    def of(cls, patches: Sequence[Patch]) -> Self:
        """Return the masks of patches."""
        return cls(
            np.array([(p.top, p.left) for p in patches], np.int64).reshape(-1, 2),
            np.array([p.mask.shape for p in patches], np.int64).reshape(-1, 2),
            [encoded(p.mask) for p in patches],
        )

    def take(self, indices: Indices) -> Self:
        """Return the masks of some of the objects."""
        return type(self)(self.at[indices], self.shapes[indices], [self.runs[i] for i in indices])

    def draw(self, index: int) -> Patch:
        """Return the mask of an object on the image."""
        (top, left), (height, width) = self.at[index].tolist(), self.shapes[index].tolist()
        return Patch(top, left, decoded(self.runs[index], (height, width)))


def _clipped(low: int, high: int, most: int) -> tuple[int, int]:
    low = min(max(low, 0), most)
    return low, min(max(high, low), most)
