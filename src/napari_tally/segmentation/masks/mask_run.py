"""Run a network that returns masks or boxes on planes of an image, whole or in tiles."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError
from ...core.progress import Step, Steps
from ...mask_sets.join_tiles import Tile
from ...mask_sets.readings import Stacked
from ...network.tiled_inference import STAGE
from ..setup.mask_layout import MaskLayouts
from ..setup.tile_grid import TileGrid
from .framed_input import framed_input
from .plane_masks import PlaneMasks, kept, no_objects
from .stuff import stuff_on_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ...mask_sets.frame import Frame
    from ...mask_sets.mask_set import MaskSet
    from ...mask_sets.readings import Found, Reading
    from ..setup.mask_layout import Layout
    from ..setup.run_setup import RunSetup
    from ..setup.tile_grid import Place

NETWORK = "network"


class MaskRun:
    """A network prepared for the planes of a setup.

    Attributes
    ----------
    threshold : float
        Objects that score less are left out.
    watch : callable
        Returns a context that times a stage.
    layouts : MaskLayouts
        How planes can be laid into the network's input.
    """

    def __init__(
        self,
        setup: RunSetup,
        threshold: float,
        watch: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        if setup.info.runtime is None or setup.model.spatial_dims != 2:
            raise ModelError(
                f"{setup.info.name} returns masks of stacks, but only those of images are read"
            )
        self.setup, self.threshold, self.watch = setup, threshold, watch
        self.shape: tuple[int, int] = setup.planes.image.shape[-2:]  # of a plane
        self.layouts = MaskLayouts(setup.info, self.shape, setup.options.tiling)
        self.frame = self.layouts.frame
        with watch("normalize"):
            self.limits: Any = setup.info.preprocessing.normalizer.fit(setup.planes.image)

    @cached_property
    def reading(self) -> Reading:
        """The reading, at the minimum score of this run."""
        reading = self.setup.info.reading
        assert reading is not None
        return reading.scored_from(self.threshold)

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
        stuff = np.zeros(self.shape, np.uint16) if self.setup.info.has_stuff else None
        return PlaneMasks(TileGrid.whole(self.shape), (Tile(0, 0, empty),), stuff)

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
