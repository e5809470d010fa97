"""What a network found in one plane, tile by tile, to be joined at any minimum score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...mask_sets.join_boxes import join_boxes
from ...mask_sets.join_tiles import Tile, join_tiles
from ...mask_sets.mask_set import MaskSet

if TYPE_CHECKING:
    from ..setup.tile_grid import TileGrid


@dataclass(frozen=True, eq=False)
class PlaneMasks:
    """The objects of each tile of a plane, and its regions of stuff.

    Attributes
    ----------
    grid : TileGrid
    tiles : tuple of Tile
        Their masks are kept as run lengths.
    stuff : ndarray of uint16, shape (Y, X), optional
        Class ids behind the objects.
    """

    grid: TileGrid
    tiles: tuple[Tile, ...]
    stuff: NDArray[np.uint16] | None = None

    def objects(self, threshold: float) -> MaskSet:
        """Return the objects of the plane that score at least the threshold."""
        tiles = [_scored(tile, threshold) for tile in self.tiles]
        names = self.tiles[0].objects.class_names if self.tiles else ()
        if len(tiles) == 1:
            return tiles[0].objects
        if any(tile.objects.masks is None for tile in tiles):
            return join_boxes(tiles, self.grid.shape, class_names=names)
        return join_tiles(tiles, self.grid.shape, class_names=names)


def kept(objects: MaskSet) -> MaskSet:
    """Return objects whose masks no longer need the outputs of the network."""
    if objects.masks is None:
        return objects
    patches = [objects.draw(row) for row in range(len(objects))]
    return MaskSet.of_patches(
        objects.shape, patches, objects.scores, objects.classes, objects.class_names
    )


def no_objects(shape: tuple[int, int], class_names: tuple[str, ...], *, boxes: bool) -> MaskSet:
    """Return no objects, with boxes alone or with masks."""
    empty = MaskSet.empty(shape, class_names)
    return replace(empty, masks=None) if boxes else empty


def diameters(objects: MaskSet) -> NDArray[np.float64]:
    """Return the diameter, px, of the disc with the area of each object (or of its box)."""
    if objects.masks is None:
        sides = (objects.boxes[:, 2:] - objects.boxes[:, :2]).astype(np.float64)
        return np.asarray(np.sqrt(sides.prod(axis=1)))
    area = [np.count_nonzero(objects.draw(row).mask) for row in range(len(objects))]
    return 2 * np.sqrt(np.array(area, np.float64) / np.pi)


def _scored(tile: Tile, threshold: float) -> Tile:
    rows = np.flatnonzero(tile.objects.scores >= threshold)
    return replace(tile, objects=tile.objects.take(rows))
