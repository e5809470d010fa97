"""Choose the stack strategy for a volume and a model, and its grid."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import psutil

from ...core.errors import InputError
from ..maps.stack_strategies import Auto, Link, Slices, StackStrategy, Views

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.model_info import ModelInfo
    from ..maps.network_grid import NetworkGrid
    from .options import SegmentOptions

_COARSEST = 6.0  # maximum anisotropy at which voxels are resampled to cubes
_MOST = 50.0  # maximum anisotropy; beyond, the calibration must be wrong
_SHALLOW = 16  # voxels: minimum depth for orthogonal views
_BYTES = 40  # per cubic voxel: its maps, those of one view, and labels
_SHARE = 0.7  # of the free memory that may be used


def choose_strategy(
    volume: Volume, info: ModelInfo, ndim: int, options: SegmentOptions
) -> tuple[StackStrategy, list[str]]:
    """Return the strategy for a volume and a model with `ndim` axes, and notes for the user.

    Raises
    ------
    InputError
        If the model does not fit the strategy of the options, or the calibration is absurd.
    """
    name = info.name
    if ndim == 3:
        whole = StackStrategy()
        return whole, _coarse(volume, info) if in_cubes(info, whole) else []
    if "Z" not in volume.axes or volume.shape[volume.axes.index("Z")] == 1:
        return StackStrategy(), []
    if not isinstance(options.stack, Auto):
        options.stack.check(info.head, name)
        chosen: StackStrategy = options.stack
        if info.finds_boxes and chosen.joins:
            raise InputError(
                f"{name} returns boxes, which are not linked over slices",
                hint="Use --stack slices",
            )
        return chosen, [_note(volume, name, chosen, "")] if chosen.joins else []
    if not info.head.finds_objects:
        return Slices(), []
    if info.finds_boxes:
        return Slices(), []
    reason = "its prediction maps differ in 2D and 3D" if info.head.has_maps else ""
    if info.head.merges_views:
        reason = _reason(volume)
    strategy = Link() if reason or not info.head.has_maps else Views()
    return strategy, [_note(volume, name, strategy, reason)]


def in_cubes(info: ModelInfo, strategy: StackStrategy) -> bool:
    """Return whether a stack is resampled to cubic voxels."""
    return strategy.cubes or (not strategy.joins and info.preprocessing.diameter is not None)


def scaled(
    grid: NetworkGrid, volume: Volume, info: ModelInfo, strategy: StackStrategy, scale: float
) -> NetworkGrid:
    """Return the grid for an image scaled by `scale`; stacks may get cubic voxels."""
    fixed = info.preprocessing.spacing is not None or info.preprocessing.size is not None
    if len(grid.shape) == 2 or fixed:
        return grid.scaled(scale)
    if not in_cubes(info, strategy):
        return replace(grid, scale=(1.0, scale, scale))
    return replace(grid, scale=tuple(s * scale for s in _sides(volume)))


def _sides(volume: Volume) -> tuple[float, ...]:
    """Return the side lengths of a voxel, relative to the shorter one in the plane."""
    if volume.spacing is None:
        return (1.0, 1.0, 1.0)
    sides = volume.spacing[-3:]
    sides = tuple(s / min(sides[1:]) for s in sides)
    if not 1 / _MOST <= sides[0] <= _MOST:
        raise InputError(
            f"The voxels of {volume.name} ({volume.describe_spacing()}) are more than {_MOST:g} "
            "times longer or shorter along Z than in the plane",
            hint="Correct the spacing",
        )
    return sides


def _coarse(volume: Volume, info: ModelInfo) -> list[str]:
    anisotropy = _sides(volume)[0]
    if anisotropy <= _COARSEST:
        return []
    apart = f"The slices of {volume.name} are {anisotropy:.3g} times as far apart as its pixels"
    trained = f"more than in the training data of {info.name} ({_COARSEST:g})"
    return [f"{apart}, {trained}: objects may be missed or merged"]


def _reason(volume: Volume) -> str:
    """Return why orthogonal views are unsuitable, or "" if they are best."""
    sides = _sides(volume)
    shape = [round(n * s) for n, s in zip(volume.spatial_shape, sides, strict=True)]
    free = psutil.virtual_memory().available
    if sides[0] > _COARSEST:
        return f"its slices are {sides[0]:.3g} times as far apart as its pixels"
    if shape[0] < _SHALLOW:
        return f"it is only {shape[0]} px deep"
    if prod(shape) * _BYTES > _SHARE * free:
        needed = prod(shape) * _BYTES / 2**30
        return f"orthogonal views need {needed:.1f} GiB of memory, {free / 2**30:.1f} are free"
    return ""


def _note(volume: Volume, name: str, strategy: StackStrategy, reason: str) -> str:
    if isinstance(strategy, Link):
        because = f" ({reason})" if reason else ""
        return f"{name} is a 2D model: objects of {volume.name} are linked across slices{because}"
    cubes = (
        "" if volume.spacing is not None else ", and without a calibration cubic voxels are assumed"
    )
    return (
        f"{name} is a 2D model: {volume.name} is segmented in orthogonal views (XY, XZ, YZ){cubes}"
    )
