"""The setup of a run, before the network starts: planes, strategy, grid and head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...network.normalize import finite
from ..maps.network_grid import NetworkGrid, network_grid
from .choose_strategy import choose_strategy, scaled
from .estimate import maps_are_large
from .model_input import Planes, planes

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...heads.base import Head, MapParts, Maps
    from ...models.bundle import Model
    from ...models.model_info import ModelInfo
    from ..maps.stack_strategies import StackStrategy
    from .options import SegmentOptions


@dataclass(frozen=True, eq=False)
class RunSetup:
    """A volume, a model and options, checked against each other.

    Attributes
    ----------
    planes : Planes
        The planes (or stacks) that the model segments one at a time.
    strategy : StackStrategy
        How a stack is segmented.
    grid : NetworkGrid
        Grid of the network's input, before scaling to the object size.
    head : Head
        The model's, with the post-processing parameters of the options.
    min_voxels : float, optional
        Minimum size of an object in voxels of the image, if it is set.
    diameter : float, optional
        Object diameter in px of the image, if it is set.
    notes : tuple of str
        For the user.
    """

    volume: Volume
    model: Model
    options: SegmentOptions
    planes: Planes
    strategy: StackStrategy
    grid: NetworkGrid
    head: Head
    min_voxels: float | None
    diameter: float | None
    notes: tuple[str, ...]

    @property
    def info(self) -> ModelInfo:
        """The description of the model."""
        return self.model.info

    @property
    def separates(self) -> bool:
        """Whether to separate objects: with a semantic model only if requested, or its default."""
        return self.head.finds_objects or self.options.separate or self.info.separate

    @property
    def is_constant(self) -> bool:
        """Whether the image has the same value everywhere."""
        image = finite(self.planes.image)
        return bool(image.min() == image.max())

    @property
    def map_axes(self) -> int:
        """Number of spatial axes of the maps: 2 for linked slices."""
        return 3 if self.strategy.cubes else self.model.spatial_dims

    @property
    def map_channels(self) -> int:
        """Number of channels of the maps, with the spread of test-time augmentation."""
        return self.head.channels(self.map_axes) + self.options.tta

    def grid_at(self, scale: float) -> NetworkGrid:
        """Return the grid of the network's input for an image that is resized by `scale`."""
        return scaled(self.grid, self.volume, self.info, self.strategy, scale)

    def streams(self, grid: NetworkGrid) -> bool:
        """Return whether the maps of a plane are too large for memory."""
        large = maps_are_large(self.map_channels, math.prod(grid.input_shape), self.options)
        return large and self.strategy.by_block

    def parts(self, maps: Maps) -> MapParts:
        """Split the maps of a plane, shape (C, *spatial), by purpose."""
        return self.head.split_maps(maps, self.map_axes)


def set_up(
    volume: Volume, model: Model, options: SegmentOptions, strategy: StackStrategy | None = None
) -> RunSetup:
    """Check a volume, a model and options against each other, and return the setup of a run.

    Parameters
    ----------
    strategy : StackStrategy, optional
        Strategy of an earlier run. Default: chosen by the options.

    Raises
    ------
    InputError
        If the image does not fit the model, or an option does not fit the image.
    """
    chosen, reasons = strategy, list[str]()
    if chosen is None:
        ndim = model.spatial_dims
        chosen, reasons = choose_strategy(volume, model.info, ndim, options)
    images, notes = planes(volume, model, options.channel, chosen.joins)
    grid, of_grid = network_grid(volume, images.shape, model.info)
    notes += [*reasons, *of_grid]
    if not volume.calibrated:
        uncalibrated = f"{volume.name} has no calibration: sizes are in px"
        notes.append(f"{uncalibrated} (set the spacing for physical units)")
    return RunSetup(
        volume=volume,
        model=model,
        options=options,
        planes=images,
        strategy=chosen,
        grid=grid,
        head=options.tuned(model.info.head),
        min_voxels=options.min_voxels(volume, images.ndim),
        diameter=options.diameter_px(volume),
        notes=tuple(notes),
    )
