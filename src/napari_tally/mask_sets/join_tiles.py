"""Objects of overlapping tiles, joined to those of the image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from ..core.options import Options
from .mask_set import MaskSet
from .patch import Patch

_BIN = 64  # px of the grid on which objects near each other are found


class JoinTiles(Options):
    """How objects of overlapping tiles become those of the image."""

    least_inside: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="An object of which more than this share lies in a better one of another tile "
        "is the same object.",
    )
    across_classes: bool = Field(
        False, description="Whether objects of different classes can be the same."
    )


@dataclass(frozen=True, eq=False)
class Tile:
    """The objects in a part of an image.

    Attributes
    ----------
    top, left : int
        Row and column of its first pixel in the image.
    objects : MaskSet
        On the grid of the tile.
    """

    top: int
    left: int
    objects: MaskSet

    @property
    def box(self) -> tuple[slice, slice]:
        """Its place in the image."""
        height, width = self.objects.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True, eq=False)
class Fragment:
    """An object of a tile, on the grid of the image.

    Attributes
    ----------
    tile : int
        The tile's number.
    cut : bool
        Whether it touches a border of its tile that is none of the image.
    """

    tile: int
    box: tuple[slice, slice]
    patch: Patch
    score: float
    class_id: int
    cut: bool


@dataclass(eq=False)
class _Object:
    """An object of the image: its best fragment, and those that lent pixels."""

    fragments: list[Fragment] = field(default_factory=list)

    @property
    def first(self) -> Fragment:
        return self.fragments[0]

    def patch(self) -> Patch:
        patch = self.first.patch
        for each in self.fragments[1:]:
            patch = patch.united(each.patch)
        return patch


def join_tiles(
    tiles: Iterable[Tile],
    shape: tuple[int, int],
    options: JoinTiles | None = None,
    class_names: tuple[str, ...] = (),
) -> MaskSet:
    """Return the objects of an image from those of its tiles.

    Whole objects win over those that a tile cuts, then better scores over worse. An object of which
    more than half lies in a better one of another tile is the same; of two that are cut, only what
    both tiles can see is compared, and the worse one lends its missing pixels.

    Parameters
    ----------
    tiles : iterable of Tile
        Drawn one after the other; only masks in their boxes are kept.
    shape : (int, int)
        Of the image.
    """
    options = options or JoinTiles()
    fragments: list[Fragment] = []
    for number, tile in enumerate(tiles):
        fragments.extend(_fragments(number, tile, shape))
        class_names = class_names or tile.objects.class_names
    fragments.sort(key=lambda each: (each.cut, -each.score))
    found: list[_Object] = []
    near: dict[tuple[int, int], list[_Object]] = defaultdict(list)
    for fragment in fragments:
        same = _same(fragment, near, options)
        if not same:
            found.append(_Object([fragment]))
            _note(found[-1], near)
        elif same[0].first.cut:
            same[0].fragments.append(fragment)
            for other in same[1:]:  # a fragment between two others joins them
                if other.first.cut:
                    same[0].fragments += other.fragments
                    other.fragments = []
            _note(same[0], near)
    found = [each for each in found if each.fragments]
    return MaskSet.of_patches(
        shape,
        [each.patch() for each in found],
        np.array([each.first.score for each in found]),
        np.array([each.first.class_id for each in found], np.int64),
        class_names,
    )


def tile_warning(
    tile: tuple[int, int], overlap: tuple[int, int], shape: tuple[int, int], objects: MaskSet
) -> str:
    """Return what is wrong with the size of tiles for the objects found, or "".

    Tiles of at least three times the largest object that overlap by its diameter give the same
    objects as the whole image.

    Parameters
    ----------
    tile, overlap : (int, int)
        Height and width of the tiles, and of what neighbours share.
    shape : (int, int)
        Of the image; an axis with one tile is not considered.
    """
    several = [axis for axis in (0, 1) if tile[axis] < shape[axis]]
    if not several or not len(objects):
        return ""
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
    largest = float(np.ceil(sides.max()))
    if all(tile[a] >= 3 * largest and overlap[a] >= largest for a in several):
        return ""
    least, most = min(tile[a] for a in several), min(overlap[a] for a in several)
    return (
        f"The largest object is {largest:.0f} px wide, but tiles are {least} px and overlap by "
        f"{most} px, so that objects may be cut or missed; use tiles of at least "
        f"{3 * largest:.0f} px that overlap by {largest:.0f} px"
    )


def _fragments(number: int, tile: Tile, shape: tuple[int, int]) -> Iterator[Fragment]:
    """Yield the objects of a tile on the grid of the image, without empty ones."""
    height, width = tile.objects.shape
    bottom, right = tile.top + height, tile.left + width
    for row in range(len(tile.objects)):
        own = tile.objects.draw(row).trimmed()
        if not own.mask.size:
            continue
        y, x = own.box
        cut = (
            (y.start == 0 and tile.top > 0)
            or (x.start == 0 and tile.left > 0)
            or (y.stop == height and bottom < shape[0])
            or (x.stop == width and right < shape[1])
        )
        patch = Patch(own.top + tile.top, own.left + tile.left, own.mask.copy())
        score, class_id = float(tile.objects.scores[row]), int(tile.objects.classes[row])
        yield Fragment(number, tile.box, patch, score, class_id, cut)


def _same(
    fragment: Fragment, near: dict[tuple[int, int], list[_Object]], options: JoinTiles
) -> list[_Object]:
    """Return the objects that a fragment is part of, that which holds most of it first."""
    candidates = {id(each): each for place in _bins(fragment.patch) for each in near.get(place, ())}
    shares = []
    for each in candidates.values():
        if not each.fragments:
            continue
        if each.first.class_id == fragment.class_id or options.across_classes:
            share = max(_share_inside(fragment, its) for its in each.fragments)
            shares.append((share, each))
    shares.sort(key=lambda pair: -pair[0])
    return [each for share, each in shares if share > options.least_inside]


def _share_inside(fragment: Fragment, better: Fragment) -> float:
    """Return the share of a fragment that lies in a better one of another tile.

    Of two that are cut, only what both tiles see counts, and the smaller of them there.
    """
    if fragment.tile == better.tile:
        return 0.0
    shared = fragment.patch.overlap(better.patch)
    if not shared:
        return 0.0
    if not better.cut:
        return shared / int(np.count_nonzero(fragment.patch.mask))
    seen = [
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(fragment.box, better.box, strict=True)
    ]
    return shared / min(fragment.patch.within(*seen), better.patch.within(*seen))


def _bins(patch: Patch) -> Iterator[tuple[int, int]]:
    y, x = patch.box
    for row in range(y.start // _BIN, (y.stop - 1) // _BIN + 1):
        for column in range(x.start // _BIN, (x.stop - 1) // _BIN + 1):
            yield row, column


def _note(found: _Object, near: dict[tuple[int, int], list[_Object]]) -> None:
    for fragment in found.fragments:
        for place in _bins(fragment.patch):
            if found not in near[place]:
                near[place].append(found)
