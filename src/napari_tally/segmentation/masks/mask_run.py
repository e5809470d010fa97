"""Run a network that returns masks or boxes on planes of an image, whole or in tiles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError, ModelError
from ...core.progress import Step, Steps
from ...mask_sets.frame_options import FrameOptions
from ...mask_sets.join_tiles import Tile
from ...mask_sets.readings import Stacked
from ...network.tiled_inference import STAGE
from .framed_input import framed_input
from .plane_masks import PlaneMasks, kept, no_objects
from .stuff import stuff_on_image
from .tile_grid import TileGrid

if TYPE_CHECKING:
    from ...mask_sets.frame import Frame
    from ...mask_sets.mask_set import MaskSet
    from ...mask_sets.readings import Found, Reading
    from ...network.runtimes import Runtime
    from ..setup.run_setup import RunSetup
    from .tile_grid import Place

Shape = tuple[int, int]
Watch = Callable[[str], AbstractContextManager[None]]

NETWORK = "network"
_FREE = 1333  # px: longest side of the input of networks that take any size
_LEAST_OVERLAP, _MOST_OVERLAP = 8, 3  # a tile's share of it, as divisors


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


@dataclass(frozen=True, eq=False)
class MaskRun:
    """A network prepared for the planes of a setup.

    Attributes
    ----------
    threshold : float
        Objects that score less are left out.
    watch : callable
        Returns a context that times a stage.
    """

    setup: RunSetup
    threshold: float
    watch: Watch
    frame: FrameOptions = field(init=False)
    limits: Any = field(init=False)

    def __post_init__(self) -> None:
        info = self.setup.info
        if info.runtime is None or self.setup.model.spatial_dims != 2:
            raise ModelError(
                f"{info.name} returns masks of stacks, but only those of images are read"
            )
        frame = frame_options(info.preprocessing.frame, info.runtime)
        object.__setattr__(self, "frame", frame)
        with self.watch("normalize"):
            limits = info.preprocessing.normalizer.fit(self.setup.planes.image)
        object.__setattr__(self, "limits", limits)

    @cached_property
    def reading(self) -> Reading:
        """The reading, at the minimum score of this run."""
        reading = self.setup.info.reading
        assert reading is not None
        return reading.scored_from(self.threshold)

    @property
    def shape(self) -> Shape:
        """Height and width of a plane."""
        height, width = self.setup.planes.image.shape[-2:]
        return height, width

    @property
    def own_scale(self) -> float:
        """Pixels of the input for one of the image, as the model's own code resizes images."""
        y, x = self.frame.frame(self.shape).scale
        return sqrt(y * x)

    def tile_side(self) -> Shape:
        """Return height and width of a tile in the network's input."""
        given = self.setup.options.tiling.tile
        fixed = self.frame.fixed
        if fixed is not None:
            if given is not None and (given, given) != fixed:
                raise InputError(
                    f"{self.setup.info.name} runs on tiles of {fixed[0]} x {fixed[1]} px only",
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
        side, halo = self.tile_side(), self.setup.options.tiling.halo
        tile, overlap = [], []
        for n in side:
            most, least = n // _MOST_OVERLAP, n // _LEAST_OVERLAP
            shared = 2 * halo if halo is not None else min(max(reach * scale, least), most)
            tile.append(max(1, int(n / scale)))
            overlap.append(min(ceil(shared / scale), tile[-1] - 1))
        grid = TileGrid(self.shape, (tile[0], tile[1]), (overlap[0], overlap[1]))
        return Layout(grid, scale)

    def plane_steps(self, index: tuple[int, ...], layout: Layout) -> Steps[PlaneMasks]:
        """Return what is found in a plane; yield every tile."""
        plane, tiles, stuff = self._plane(index), list[Tile](), None
        total = len(layout.grid)
        for number, place in enumerate(layout.grid):
            found, frame = self._run(plane, place, layout.scale)
            tiles.append(Tile(place[0].start, place[1].start, self._objects(found, frame)))
            if found.maps is not None:
                own = stuff_on_image(found.maps, frame, self._first_stuff)
                stuff = np.zeros(self.shape, np.uint16) if stuff is None else stuff
                y, x = layout.grid.core(place)
                stuff[y, x] = own[
                    y.start - place[0].start : y.stop - place[0].start,
                    x.start - place[1].start : x.stop - place[1].start,
                ]
            yield Step(STAGE, number + 1, total)
        return PlaneMasks(layout.grid, tuple(tiles), stuff)

    def tile_objects(self, index: tuple[int, ...], place: Place, scale: float) -> MaskSet:
        """Return the objects of one tile, on its own grid."""
        return self._objects(*self._run(self._plane(index), place, scale))

    def nothing(self) -> PlaneMasks:
        """Return what is found in a constant image."""
        names = self.setup.info.reading.class_names if self.setup.info.reading else ()
        empty = no_objects(self.shape, names, boxes=self.setup.info.finds_boxes)
        return PlaneMasks(TileGrid.whole(self.shape), (Tile(0, 0, empty),))

    @property
    def _first_stuff(self) -> int:
        """What is added to the ids of class maps: the number of classes of objects."""
        reading = self.reading
        own = reading.objects if isinstance(reading, Stacked) else None
        return max(1, len(own.classes)) if own is not None else 0

    def _plane(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Return one plane, shape (C, Y, X)."""
        image: NDArray[Any] = self.setup.planes.image
        plane: NDArray[np.generic] = np.moveaxis(image, 0, -3)[index]
        return plane

    def _run(
        self, plane: NDArray[np.generic], place: Place, scale: float | None
    ) -> tuple[Found, Frame]:
        """Run the network on a part of a plane."""
        part = plane[(slice(None), *place)]
        shape = part.shape[1], part.shape[2]
        frame = self.frame.frame(shape) if scale is None else self.frame.scaled(shape, scale)
        normalizer = self.setup.info.preprocessing.normalizer
        with self.watch("normalize"):
            image = framed_input(
                part,
                frame,
                lambda cut: normalizer(cut, self.limits),
                normalizer.border(self.frame.pad_value, len(part)),
                antialias=self.frame.antialias,
            )
        with self.watch(NETWORK):
            outputs = self.setup.model.session(image)
        return self.reading.read(outputs, frame), frame

    def _objects(self, found: Found, frame: Frame) -> MaskSet:
        if found.objects is None:
            return no_objects(frame.shape, self.reading.class_names, boxes=False)
        return kept(found.objects)
