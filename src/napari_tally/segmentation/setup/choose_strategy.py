"""Which way a volume goes through a model, on which grid, and what the user is told of it."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import psutil

from ...core.errors import InputError
from ..maps.stack_strategies import Auto, Link, Slices, Views, Way

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.model_info import ModelInfo
    from ..maps.network_grid import NetworkGrid
    from .options import SegmentOptions

_COARSEST = 6.0  # times as long as wide: voxels up to here are cut into cubes
_MOST = 50.0  # beyond, the calibration must be wrong
_SHALLOW = 16  # voxels of depth that a view from the side needs to show anything
_BYTES = 40  # a voxel on the grid of cubes: its maps and those of one view, and its labels
_SHARE = 0.7  # of the free memory that they may take


def chosen_way(
    volume: Volume, info: ModelInfo, ndim: int, options: SegmentOptions
) -> tuple[Way, list[str]]:
    """Return the way that a volume goes through a model for `ndim` axes, and what is to be said.

    Raises
    ------
    InputError
        If the model cannot be used in the way that was asked for, or the calibration is absurd.
    """
    name = info.name
    if ndim == 3:
        return Way(), _coarse(volume, info) if in_cubes(info, Way()) else []
    if "Z" not in volume.axes or volume.shape[volume.axes.index("Z")] == 1:
        return Way(), []
    if not isinstance(options.stack, Auto):
        options.stack.check(info.head, name)
        way: Way = options.stack
        return way, [] if isinstance(way, Slices) else [_said(volume, name, way, "")]
    if not info.head.finds_objects:
        return Slices(), []
    reason = _reason(volume) if Views.take(info.head) else "three views of its maps do not fit"
    way = Link() if reason else Views()
    return way, [_said(volume, name, way, reason)]


def in_cubes(info: ModelInfo, way: Way) -> bool:
    """Tell whether the network sees a stack on a grid of cubes."""
    return way.cubes or (not way.joins and info.preprocessing.diameter is not None)


def scaled(
    grid: NetworkGrid, volume: Volume, info: ModelInfo, way: Way, scale: float
) -> NetworkGrid:
    """Return the grid of an image that is enlarged by `scale`; a stack's may be one of cubes."""
    if len(grid.shape) == 2 or info.preprocessing.spacing is not None:
        return grid.scaled(scale)
    if not in_cubes(info, way):
        return replace(grid, scale=(1.0, scale, scale))
    return replace(grid, scale=tuple(s * scale for s in _sides(volume)))


def _sides(volume: Volume) -> tuple[float, ...]:
    """Return the lengths of a voxel's sides, the shorter in the plane being 1."""
    if volume.spacing is None:
        return (1.0, 1.0, 1.0)
    sides = volume.spacing[-3:]
    sides = tuple(s / min(sides[1:]) for s in sides)
    if not 1 / _MOST <= sides[0] <= _MOST:
        raise InputError(
            f"Voxels that are at most {_MOST:g} times as long as wide are needed",
            f"{volume.name} with {volume.describe_spacing()}",
            "Correct the spacing",
        )
    return sides


def _coarse(volume: Volume, info: ModelInfo) -> list[str]:
    coarse = _sides(volume)[0]
    if coarse <= _COARSEST:
        return []
    apart = f"The slices of {volume.name} are {coarse:.3g} times as far apart as its pixels"
    trained = f"more than {info.name} was trained for ({_COARSEST:g})"
    return [f"{apart}, {trained}: objects may be missed or merged"]


def _reason(volume: Volume) -> str:
    """Say why three views would show too little, or "" where they are best."""
    sides = _sides(volume)
    shape = [round(n * s) for n, s in zip(volume.spatial_shape, sides, strict=True)]
    free = psutil.virtual_memory().available
    if sides[0] > _COARSEST:
        return f"its slices are {sides[0]:.3g} times as far apart as its pixels"
    if shape[0] < _SHALLOW:
        return f"it is only {shape[0]} px deep"
    if prod(shape) * _BYTES > _SHARE * free:
        needed = prod(shape) * _BYTES / 2**30
        return f"three views need {needed:.1f} GiB of memory ({free / 2**30:.1f} free)"
    return ""


def _said(volume: Volume, name: str, way: Way, reason: str) -> str:
    if isinstance(way, Link):
        because = f" ({reason})" if reason else ""
        return f"{name} is a 2D model: the slices of {volume.name} are linked{because}"
    cubes = "" if volume.spacing is not None else "; without a calibration, voxels count as cubes"
    return f"{name} is a 2D model: {volume.name} is seen in three views (XY, XZ, YZ){cubes}"
