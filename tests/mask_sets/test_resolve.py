"""Overlapping objects become labels, with full masks where they overlap; things over stuff."""

from __future__ import annotations

import numpy as np
import pytest
from raw_outputs import discs

from napari_tally.core.errors import InputError
from napari_tally.mask_sets.mask_set import MaskSet
from napari_tally.mask_sets.panoptic_merge import PanopticMerge, panoptic_merge
from napari_tally.mask_sets.patch import Patch
from napari_tally.mask_sets.resolve import Resolve, resolve
from napari_tally.mask_sets.suppression import suppressed

SHAPE = (80, 100)


def objects_of(masks: np.ndarray, scores: list[float], classes: list[int] | None = None) -> MaskSet:
    patches = [Patch(0, 0, m) for m in masks]
    kinds = np.ones(len(masks), int) if classes is None else np.array(classes)
    return MaskSet.of_patches(SHAPE, patches, np.array(scores), kinds)


def test_the_best_score_is_in_front_and_the_other_kept_whole() -> None:
    masks = discs(SHAPE, [(40, 40), (40, 58)], 15)
    found = resolve(objects_of(masks, [0.5, 0.9]))
    assert np.array_equal(found.labels == 1, masks[1])
    assert np.array_equal(found.labels == 2, masks[0] & ~masks[1])
    assert found.full.labels.tolist() == [2]
    full = found.full.find(2)
    assert np.array_equal(full.mask(), masks[0][full.box])
    assert full.area == found.area[1] == masks[0].sum()
    assert found.visible[1] == (found.labels == 2).sum()


def test_objects_less_than_half_visible_are_dropped_and_cover_nothing() -> None:
    masks = discs(SHAPE, [(40, 40), (40, 48), (40, 58)], 15)
    found = resolve(objects_of(masks, [0.9, 0.8, 0.7]))
    assert len(found.objects) == 2  # the second is hidden by the first; the third is not
    assert np.array_equal(found.labels == 2, masks[2] & ~masks[0])
    everything = resolve(objects_of(masks, [0.9, 0.8, 0.7]), Resolve(least_visible=0))
    assert len(everything.objects) == 3


def test_layers_of_full_masks_show_each_object_whole() -> None:
    rng = np.random.default_rng(0)
    centres = list(zip(rng.uniform(10, 70, 25), rng.uniform(10, 90, 25), strict=True))
    masks = discs(SHAPE, centres, 9)
    scores = np.linspace(0.9, 0.5, 25)
    found = resolve(objects_of(masks, list(scores)), Resolve(least_visible=0.2))
    assert len(found.full) > 3
    layers = found.full.layers(found.labels)
    for row in range(len(found.objects)):
        patch = found.objects.draw(row)
        shown = [layer == row + 1 for layer in layers if (layer == row + 1).any()]
        assert len(shown) == 1
        assert np.array_equal(shown[0][patch.box], patch.mask)
        assert shown[0].sum() == found.area[row]


def test_boxes_alone_have_no_labels() -> None:
    boxes = MaskSet(SHAPE, np.ones(1), np.ones(1, int), np.array([[1, 1, 5, 5]]))
    with pytest.raises(InputError, match="boxes without masks"):
        resolve(boxes)


def test_things_are_in_front_of_stuff() -> None:
    masks = discs(SHAPE, [(40, 40), (40, 80)], 12)
    stuff = np.full(SHAPE, 3)
    stuff[:, :50], stuff[:3, :3] = 4, 5
    merged = panoptic_merge(objects_of(masks, [0.9, 0.8], [1, 2]), stuff)
    assert (merged.classes[masks[0]] == 1).all()
    assert (merged.classes[masks[1]] == 2).all()
    free = ~masks.any(0)
    assert np.array_equal(merged.classes[free], stuff[free])
    small = panoptic_merge(
        objects_of(masks, [0.9, 0.8], [1, 2]), stuff, (), PanopticMerge(min_stuff=20)
    )
    assert (small.classes[:3, :3] == 0).all()
    assert set(np.unique(small.classes)) == {0, 1, 2, 3, 4}


def test_segments_of_stuff_are_no_objects() -> None:
    ground = np.zeros((2, *SHAPE), bool)
    ground[0, 40:], ground[1, :40] = True, True
    masks = np.concatenate([discs(SHAPE, [(30, 30), (55, 70)], 10), ground])
    found = objects_of(masks, [0.9, 0.8, 0.7, 0.95], [1, 1, 2, 2])
    merged = panoptic_merge(found, stuff_classes=(2,), options=PanopticMerge(least_visible=0))
    assert merged.things.labels.max() == len(merged.things.objects)
    assert (merged.things.objects.classes == 1).all()
    assert np.array_equal(merged.classes > 0, np.ones(SHAPE, bool))


def _by_comparing_all(boxes, scores, classes, threshold, fast):
    kept, seen = [], []
    for i in np.argsort(-scores, kind="stable"):
        low = np.maximum(boxes[i, :2], boxes[seen, :2]) if seen else None
        worse = False
        if seen:
            shared = np.prod(
                np.clip(np.minimum(boxes[i, 2:], boxes[seen, 2:]) - low, 0, None), axis=1
            )
            area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
            iou = shared / (area[i] + area[seen] - shared)
            worse = ((iou > threshold) & (classes[seen] == classes[i])).any()
        if not worse:
            kept.append(i)
        if not worse or fast:
            seen.append(i)
    return np.array(kept)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.7])
def test_suppression_finds_the_same_as_comparing_all_pairs(threshold, fast) -> None:
    rng = np.random.default_rng(int(threshold * 100))
    corner = rng.uniform(-20, 200, (400, 2))
    boxes = np.concatenate([corner, corner + rng.lognormal(3, 0.8, (400, 2))], 1)
    scores, classes = rng.random(400), rng.integers(0, 2, 400)
    found = suppressed(boxes, scores, classes, threshold, fast=fast)
    expected = _by_comparing_all(boxes, scores, classes, threshold, fast)
    assert found.tolist() == expected.tolist()
