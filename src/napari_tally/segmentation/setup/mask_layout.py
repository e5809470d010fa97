"""How images are laid into the input of a network that returns masks: whole, or in tiles."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod, sqrt
from typing import TYPE_CHECKING, Any

from ...core.errors import InputError
from ...mask_sets.frame_options import FrameOptions
from ...models.preprocessing import DiameterRange
from .tile_grid import TileGrid

if TYPE_CHECKING:
    from ...models.model_info import ModelInfo
    from ...network.runtimes import Runtime
    from ...network.tile_layout import TilingOptions

Shape = tuple[int, int]

# px of the input, for models of which the object size is not known. On a grid of a quarter of the
# input, even perfect masks of nuclei have an IoU of 0.89 at a diameter of 14 px, and 0.98 at 28 px.
_MASKS = DiameterRange(low=32, typical=64, high=1e6)
_BOXES = DiameterRange(low=12, typical=32, high=1e6)
_FREE = 1333  # px: longest side of the input of networks that take any size
_LEAST_OVERLAP, _MOST_OVERLAP = 8, 3  # a tile's share of it, as divisors
MOST_SCALE = 16.0  # factor beyond which enlarging gains nothing


def frame_options(own: FrameOptions | None, runtime: Runtime) -> FrameOptions:
    """Return how images are brought into the network's input, with the size that it takes."""
    if own is None:
        own = FrameOptions(fit="letterbox" if runtime.size else "none")
    update: dict[str, Any] = {}
    if runtime.size and not own.size:
        update["size"] = tuple(runtime.size)
    if not runtime.size and own.multiple % runtime.multiple:
        update["multiple"] = runtime.multiple
    return own.model_copy(update=update)


@dataclass(frozen=True)
class Layout:
    """How planes are run.

    Attributes
    ----------
    grid : TileGrid
        Tiles in px of the image.
    scale : float, optional
        Pixels of the network's input for one of the image; None if the whole image is brought into
        the input as the model's own code does it.
    """

    grid: TileGrid
    scale: float | None = None


@dataclass(frozen=True)
class MaskLayouts:
    """The layouts of the planes of an image for a model.

    Attributes
    ----------
    shape : (int, int)
        Height and width of a plane.
    """

    info: ModelInfo
    shape: Shape
    tiling: TilingOptions

    @property
    def frame(self) -> FrameOptions:
        """How an image is brought into the network's input."""
        assert self.info.runtime is not None
        return frame_options(self.info.preprocessing.frame, self.info.runtime)

    @property
    def sizes(self) -> DiameterRange:
        """The diameters, px of the input, that the network works for."""
        known = self.info.preprocessing.diameter
        return known or (_BOXES if self.info.finds_boxes else _MASKS)

    def for_diameter(self, diameter: float) -> tuple[Layout, float]:
        """Return the layout for objects of that diameter in the image, and its scale."""
        sizes, own = self.sizes, self.own_scale
        if sizes.low <= diameter * own <= sizes.high:
            return self.whole(2 * diameter), own
        scale = min(sizes.scale_for(diameter), MOST_SCALE)
        return self.tiled(scale, 2 * diameter), scale

    def input_pixels(self, layout: Layout) -> int:
        """Return how many pixels the network takes for a plane, over all tiles."""
        shape = next(iter(layout.grid))
        part = shape[0].stop - shape[0].start, shape[1].stop - shape[1].start
        own = self.frame
        frame = own.frame(part) if layout.scale is None else own.scaled(part, layout.scale)
        return len(layout.grid) * prod(frame.input_shape)

    @property
    def own_scale(self) -> float:
        """Pixels of the input for one of the image, as the model's own code resizes images."""
        y, x = self.frame.frame(self.shape).scale
        return sqrt(y * x)

    def tile_side(self) -> Shape:
        """Return height and width of a tile in the network's input."""
        given = self.tiling.tile
        fixed = self.frame.fixed
        if fixed is not None:
            if given is not None and (given, given) != fixed:
                raise InputError(
                    f"{self.info.name} runs on tiles of {fixed[0]} x {fixed[1]} px only",
                    hint="Leave out the tile size",
                )
            return fixed
        side = given or max(self.frame.longest or _FREE, self.frame.shortest or 0)
        multiple = self.frame.multiple
        side = max(multiple, side // multiple * multiple)
        return side, side

    def whole(self, reach: float = 0.0) -> Layout:
        """Return the layout of the model's own code; too large images are tiled at its scale.

        `reach` is that of `tiled`.
        """
        scale, side = self.own_scale, self.tile_side()
        if self.frame.fixed is None and any(
            n * scale > t * (1 + 1 / t) for n, t in zip(self.shape, side, strict=True)
        ):
            return self.tiled(scale, reach)
        return Layout(TileGrid.whole(self.shape))

    def tiled(self, scale: float, reach: float = 0.0) -> Layout:
        """Return the layout of an image at a scale.

        Parameters
        ----------
        reach : float
            Diameter, px of the image, of the largest objects: neighbours overlap by it, at least
            by an eighth and at most by a third of a tile.
        """
        side, halo = self.tile_side(), self.tiling.halo
        tile, overlap = [], []
        for n in side:
            most, least = n // _MOST_OVERLAP, n // _LEAST_OVERLAP
            shared = 2 * halo if halo is not None else min(max(reach * scale, least), most)
            tile.append(max(1, int(n / scale)))
            overlap.append(min(ceil(shared / scale), tile[-1] - 1))
        grid = TileGrid(self.shape, (tile[0], tile[1]), (overlap[0], overlap[1]))
        return Layout(grid, scale)
