"""Objects of overlapping tiles are those of the whole image, if the tiles are large enough."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from fields import nuclei
from raw_outputs import Truth, discs

from napari_tally.files import read
from napari_tally.mask_sets.frame import Frame
from napari_tally.mask_sets.join_tiles import JoinTiles, Tile, join_tiles, tile_warning
from napari_tally.mask_sets.mask_set import MaskSet
from napari_tally.mask_sets.patch import Patch
from napari_tally.mask_sets.readings import Prototypes
from napari_tally.mask_sets.resolve import resolve
from napari_tally.metrics.match import match


def starts(size: int, tile: int, overlap: int) -> list[int]:
    places = list(range(0, max(size - tile, 0) + 1, tile - overlap))
    return places if places[-1] + tile >= size else [*places, size - tile]


def tiles_of(labels: np.ndarray, tile: int, overlap: int, seed: int = 0) -> list[Tile]:
    """Return what a perfect network finds in each tile, with scores of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for y, x in product(*(starts(n, tile, overlap) for n in labels.shape)):
        part = labels[y : y + tile, x : x + tile]
        found.append(Tile(y, x, MaskSet.of_labels(part, rng.uniform(0.5, 1, int(labels.max())))))
    return found


@pytest.mark.parametrize(("tile", "overlap"), [(42, 14), (60, 20), (128, 48)])
def test_large_enough_tiles_give_the_objects_of_the_image(tile, overlap) -> None:
    labels = nuclei((300, 420), diameter=14, seed=5)[1]
    joined = join_tiles(tiles_of(labels, tile, overlap), labels.shape)
    assert match(resolve(joined).labels, labels, (0.5, 0.95))[1].ap == 1.0
    assert tile_warning((tile, tile), (overlap, overlap), labels.shape, joined) == ""


def test_real_objects_come_back_from_tiles(shared_data) -> None:
    paths = sorted((shared_data / "nuclei-2d" / "labels").glob("*"))[:6]
    assert paths
    for path in paths:
        labels = np.asarray(read(path, labels=True).array)
        whole = MaskSet.of_labels(labels)
        largest = int((whole.boxes[:, 2:] - whole.boxes[:, :2]).max())
        joined = join_tiles(tiles_of(labels, 3 * largest, largest), labels.shape)
        assert match(resolve(joined).labels, labels, (0.9,))[0].ap >= 0.995, path.name


def test_masks_read_from_raw_outputs_of_tiles_are_joined() -> None:
    labels = nuclei((160, 200), diameter=14, seed=3)[1]
    found = []
    for y, x in product(starts(160, 64, 24), starts(200, 64, 24)):
        truth = Truth.of_labels(labels[y : y + 64, x : x + 64], zoom=4)
        frame = Frame.stretched(truth.shape, truth.input_shape)
        objects = Prototypes().read(truth.yolo("v8"), frame).objects
        found.append(Tile(y, x, objects))
    joined = join_tiles(found, labels.shape)
    assert match(resolve(joined).labels, labels, (0.5,))[0].ap >= 0.995


def test_a_whole_object_wins_over_a_cut_one_with_a_better_score() -> None:
    mask = discs((60, 60), [(30, 30)], 10)[0].astype(np.uint8)
    left = Tile(0, 0, MaskSet.of_labels(mask[:, :34], np.array([0.99])))
    right = Tile(0, 15, MaskSet.of_labels(mask[:, 15:], np.array([0.6])))
    joined = join_tiles([left, right], (60, 60))
    assert len(joined) == 1
    assert joined.scores[0] == np.float32(0.6)
    assert np.array_equal(resolve(joined).labels > 0, mask > 0)


def test_cut_objects_lend_each_other_their_missing_pixels() -> None:
    bar = np.zeros((40, 200), np.uint8)
    bar[15:25, 5:195] = 1
    found = [Tile(0, x, MaskSet.of_labels(bar[:, x : x + 60])) for x in (0, 35, 70, 105, 140)]
    for order in (found, found[::-1], [found[i] for i in (0, 2, 4, 1, 3)]):
        joined = join_tiles(order, bar.shape)
        assert len(joined) == 1
        assert np.array_equal(resolve(joined).labels, bar)
    assert "use tiles of at least 570 px" in tile_warning((40, 60), (40, 25), bar.shape, joined)


def test_objects_that_overlap_in_one_tile_stay_two() -> None:
    masks = discs((120, 120), [(60, 50), (60, 69)], 20)
    patches = [Patch(0, 0, m) for m in masks]
    whole = MaskSet.of_patches((120, 120), patches, np.array([0.9, 0.8]), np.array([1, 1]))
    parts = [
        Tile(0, x, MaskSet.of_patches(
            (120, 100), [Patch(0, 0, m[:, x : x + 100]) for m in masks],
            np.array([0.9, 0.8]), np.array([1, 1]),
        ))
        for x in (0, 20)
    ]  # fmt: skip
    joined = join_tiles(parts, (120, 120))
    assert len(joined) == 2
    for row in range(2):
        assert np.array_equal(joined.draw(row).mask, whole.draw(row).trimmed().mask)


def test_an_object_in_one_of_another_class_stays() -> None:
    cell, nucleus = discs((60, 60), [(30, 30)], 25)[0], discs((60, 60), [(30, 30)], 8)[0]
    score = np.array([0.9])
    one = Tile(0, 0, MaskSet.of_labels(cell.astype(np.uint8), score, np.array([1])))
    other = Tile(0, 0, MaskSet.of_labels(nucleus.astype(np.uint8), score, np.array([2])))
    assert len(join_tiles([one, other], (60, 60))) == 2
    assert len(join_tiles([one, other], (60, 60), JoinTiles(across_classes=True))) == 1


def test_small_tiles_warn_with_a_sentence() -> None:
    labels = nuclei((200, 240), diameter=24)[1]
    objects = MaskSet.of_labels(labels)
    text = tile_warning((48, 48), (8, 8), labels.shape, objects)
    assert text.startswith("The largest object is 24 px wide, but tiles are 48 px and overlap by 8")
    assert not tile_warning((300, 300), (0, 0), labels.shape, objects)  # one tile
    assert not tile_warning((48, 48), (8, 8), labels.shape, MaskSet.empty(labels.shape))
