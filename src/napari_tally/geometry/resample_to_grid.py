"""Resample a volume to the voxels of another one, by their world coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.quantity import LENGTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.volume import Volume

    Matrix = NDArray[np.float64]

_SLAB = 2**22  # voxels at a time


def matrix_in(volume: Volume, unit: str) -> Matrix:
    """Return the affine of a volume, with world coordinates in another unit."""
    matrix = np.array(volume.affine, np.float64)
    if unit != volume.unit:
        matrix[:-1] *= LENGTHS[volume.unit] / LENGTHS[unit]
    return matrix


def resampled(volume: Volume, grid: Volume, labels: bool) -> tuple[Volume, float]:
    """Return a volume on the spatial grid of another one, and the share of the grid inside of it.

    Both have an affine. Labels are resampled by the nearest neighbour and are 0 outside, images
    linearly, and are NaN outside. Other axes (time, channels) are kept.
    """
    spots = [volume.axes.index(axis) for axis in volume.spatial_axes]
    lead = [i for i in range(len(volume.axes)) if i not in spots]
    array = np.asarray(volume.array)
    stacks = array.transpose(*lead, *spots).reshape(-1, *volume.spatial_shape)
    kind = array.dtype if labels else np.result_type(array.dtype, np.float32)
    out = np.empty((len(stacks), *grid.spatial_shape), kind)
    within = 0
    for part, at, inside in _slabs(volume, grid):
        within += int(inside.sum())
        for stack, new in zip(stacks, out, strict=True):
            new[part] = np.where(inside, _values(stack, at, labels), 0 if labels else np.nan)
    shape = [array.shape[i] for i in lead] + list(grid.spatial_shape)
    moved = out.reshape(shape).transpose(np.argsort([*lead, *spots]))
    placed = replace(volume, array=moved, spacing=grid.spacing, unit=grid.unit, affine=grid.affine)
    return placed, within / prod(grid.spatial_shape)


def _slabs(volume: Volume, grid: Volume) -> Iterator[tuple[slice, Matrix, NDArray[np.bool_]]]:
    """Yield slabs of the grid: their indices in the volume, and which are inside of it."""
    shape = grid.spatial_shape
    matrix = np.linalg.solve(matrix_in(volume, grid.unit), matrix_in(grid, grid.unit))
    column = (-1, *(1,) * len(shape))
    ends = np.reshape(volume.spatial_shape, column) - 0.5
    step = max(1, _SLAB // max(1, prod(shape[1:])))
    for start in range(0, shape[0], step):
        part = slice(start, min(start + step, shape[0]))
        indices = np.mgrid[(part, *(slice(0, n) for n in shape[1:]))]
        at = np.tensordot(matrix[:-1, :-1], indices, 1) + matrix[:-1, -1].reshape(column)
        at = np.round(at, 6)  # so that rounding errors do not decide between neighbours
        inside: NDArray[np.bool_] = np.all((at >= -0.5) & (at < ends), axis=0)
        yield part, at, inside


def _values(stack: NDArray[Any], at: Matrix, labels: bool) -> NDArray[Any]:
    """Return values at indices; outside, those of the nearest voxel."""
    if not labels:
        from scipy.ndimage import map_coordinates

        kind = np.result_type(stack.dtype, np.float32)
        found: NDArray[Any] = map_coordinates(stack, at, output=kind, order=1, mode="nearest")
        return found
    nearest = np.floor(at + 0.5).astype(np.intp)
    limits = zip(nearest, stack.shape, strict=True)
    picked: NDArray[Any] = stack[tuple(np.clip(i, 0, n - 1) for i, n in limits)]
    return picked
