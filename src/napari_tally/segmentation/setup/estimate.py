"""Time and memory of a run, before it begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..maps.blockwise import block_voxels
from ..maps.network_grid import network_grid
from .choose_strategy import choose_strategy, scaled
from .model_input import check_axes

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.model_info import ModelInfo
    from .options import SegmentOptions

_FLOAT, _HALF, _LABEL = 4, 2, 4  # bytes
_DECODE = 32  # bytes a voxel that decoding needs beside the maps
_TILE = {2: 40, 3: 80}  # bytes a voxel of a window inside of the network


@dataclass(frozen=True)
class Needs:
    """What a run will take.

    Attributes
    ----------
    voxels : float
        Of the network's input, over all planes.
    memory : int
        Bytes at the peak, beside the image.
    streamed : bool
        Whether maps are made block by block, in a temporary file.
    """

    voxels: float
    memory: int
    streamed: bool


def needs(volume: Volume, info: ModelInfo, ndim: int, options: SegmentOptions) -> Needs:
    """Estimate what it takes to segment a volume with a model for `ndim` axes.

    The object size counts if it is set, since estimating it takes the network.

    Raises
    ------
    InputError
        If the model does not take the volume, or an option does not fit it.
    """
    check_axes(volume, info.name, ndim)
    strategy, _ = choose_strategy(volume, info, ndim, options)
    axes = 3 if strategy.joins else ndim  # of a plane
    plane = volume.spatial_shape[-axes:]
    given = options.diameter_px(volume)
    scale = info.preprocessing.scale_for(given)
    grid = scaled(network_grid(volume, plane, info)[0], volume, info, strategy, scale)
    seen, channels = math.prod(grid.seen_shape), info.head.channels(axes)
    sizes = dict(zip(volume.axes, volume.shape, strict=True))
    whole = math.prod(n for axis, n in sizes.items() if axis != "C")
    streamed = strategy.by_block and maps_are_large(channels, seen, options)
    held = min(seen, block_voxels(axes)) if streamed else seen
    window = options.tiling.of(info.preprocessing.tiling).tile ** ndim
    memory = (
        held * (_FLOAT * (channels + 1 + len(info.preprocessing.channels)) + _DECODE)
        + (0 if streamed else seen * channels * _HALF)
        + min(held, window) * _TILE[ndim]
        + whole * _LABEL
    )
    times = axes if strategy.cubes else 1  # a view along each axis
    return Needs(times * seen * whole / max(1, math.prod(plane)), memory, streamed)


def maps_are_large(channels: int, voxels: int, options: SegmentOptions) -> bool:
    """Return whether the maps of a plane are more than may be held."""
    return _FLOAT * channels * voxels > options.max_maps_gib * 2**30
