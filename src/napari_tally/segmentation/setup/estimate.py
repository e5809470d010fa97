"""Estimate time and memory of a run before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..maps.blockwise import block_voxels
from ..maps.network_grid import network_grid
from .choose_strategy import choose_strategy, scaled
from .mask_layout import MaskLayouts
from .model_input import check_axes

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.model_info import ModelInfo
    from .options import SegmentOptions

_FLOAT, _HALF, _LABEL = 4, 2, 4  # bytes
_DECODE = 32  # bytes per voxel for decoding, without the maps
_TILE = {2: 40, 3: 80}  # bytes per voxel of a tile inside the network
_MASK_TILE = 400  # the same of networks that return masks, with the masks


@dataclass(frozen=True)
class Needs:
    """What a run needs.

    Attributes
    ----------
    voxels : float
        Voxels of network input, over all planes.
    memory : int
        Peak memory in bytes, without the image.
    streamed : bool
        Whether maps are predicted block by block, in a temporary file.
    """

    voxels: float
    memory: int
    streamed: bool


def needs(volume: Volume, info: ModelInfo, ndim: int, options: SegmentOptions) -> Needs:
    """Estimate the needs of segmenting a volume with a model of `ndim` axes.

    The object size counts only if it is given: estimating it requires the network.

    Raises
    ------
    InputError
        If the volume does not fit the model, or an option does not fit the volume.
    """
    check_axes(volume, info.name, ndim)
    if info.finds_masks:
        return _mask_needs(volume, info, options)
    strategy, _ = choose_strategy(volume, info, ndim, options)
    axes = 3 if strategy.joins else ndim  # of a plane
    plane = volume.spatial_shape[-axes:]
    given = options.diameter_px(volume)
    scale = info.preprocessing.scale_for(given)
    grid = scaled(network_grid(volume, plane, info)[0], volume, info, strategy, scale)
    voxels, channels = math.prod(grid.input_shape), info.head.channels(axes)
    sizes = dict(zip(volume.axes, volume.shape, strict=True))
    whole = math.prod(n for axis, n in sizes.items() if axis != "C")
    streamed = strategy.by_block and maps_are_large(channels, voxels, options)
    held = min(voxels, block_voxels(axes)) if streamed else voxels
    tile = options.tiling.of(info.preprocessing.tiling).largest(ndim)
    memory = (
        held * (_FLOAT * (channels + 1 + len(info.preprocessing.channels)) + _DECODE)
        + (0 if streamed else voxels * channels * _HALF)
        + min(held, tile) * _TILE[ndim]
        + whole * _LABEL
    )
    times = axes if strategy.cubes else 1  # a view along each axis
    return Needs(times * voxels * whole / max(1, math.prod(plane)), memory, streamed)


def _mask_needs(volume: Volume, info: ModelInfo, options: SegmentOptions) -> Needs:
    """Estimate the needs of a model that returns masks: whole planes or tiles, one at a time."""
    height, width = volume.spatial_shape[-2:]
    layouts = MaskLayouts(info, (height, width), options.tiling)
    given = options.diameter_px(volume)
    layout = layouts.whole() if given is None else layouts.for_diameter(given)[0]
    pixels, channels = layouts.input_pixels(layout), len(info.preprocessing.channels)
    sizes = dict(zip(volume.axes, volume.shape, strict=True))
    whole = math.prod(n for axis, n in sizes.items() if axis != "C")
    tile = pixels / len(layout.grid)
    memory = int(tile * (_FLOAT * channels + _MASK_TILE) + whole * _LABEL)
    return Needs(pixels * whole / max(1, height * width), memory, False)


def maps_are_large(channels: int, voxels: int, options: SegmentOptions) -> bool:
    """Return whether the maps of a plane exceed the memory limit."""
    return _FLOAT * channels * voxels > options.max_maps_gib * 2**30
