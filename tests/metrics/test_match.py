"""Pairing of objects: worked by hand, and against a search of all pairings."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
import torch

from napari_tally.core.errors import InputError
from napari_tally.metrics.match import (
    IOU_THRESHOLDS,
    Matches,
    match,
    mean_ap,
    panoptic_counts,
    pooled,
)
from napari_tally.metrics.overlaps import overlaps


def strip(*runs: tuple[int, int]) -> np.ndarray:
    """Return one row of voxels from (id, length) runs."""
    return np.concatenate([np.full(length, number) for number, length in runs])[None]


def all_ious(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the IoU of each predicted with each true object, one pair at a time."""
    p, t = np.unique(predicted[predicted > 0]), np.unique(true[true > 0])
    masks = [[(predicted == i, true == j) for j in t] for i in p]
    ious = [[(a & b).sum() / (a | b).sum() for a, b in row] for row in masks]
    return np.array(ious).reshape(len(p), len(t))


def most_pairs(good: np.ndarray) -> int:
    """Return the largest number of one-to-one pairs by trying all of them."""
    if good.shape[0] > good.shape[1]:
        good = good.T
    rows, cols = good.shape
    for size in range(rows, 0, -1):
        for chosen in combinations(range(rows), size):
            if any(good[list(chosen), list(p)].all() for p in permutations(range(cols), size)):
                return size
    return 0


def test_ious_worked_by_hand() -> None:
    predicted = strip((0, 1), (5, 4), (9, 3), (0, 2))
    true = strip((2, 3), (0, 2), (7, 4), (0, 1))
    found = overlaps(predicted, true)
    # 5 shares 2 of 4 + 3 - 2 voxels with 2; 9 shares 3 of 4 with 7.
    assert found.predicted.tolist() == [1, 2]
    assert found.true.tolist() == [1, 2]
    assert found.iou.tolist() == pytest.approx([2 / 5, 3 / 4])
    assert (found.n_predicted, found.n_true) == (2, 2)


def test_hits_and_misses_worked_by_hand() -> None:
    predicted = strip((1, 8), (0, 2), (2, 5), (0, 5), (3, 2))
    true = strip((4, 10), (0, 5), (6, 5), (0, 2))
    (low, high) = match(predicted, true, [0.5, 0.85])
    assert low == Matches(0.5, 1, 2, 1)
    assert (low.ap, low.precision, low.recall) == (1 / 4, 1 / 3, 1 / 2)
    assert high == Matches(0.85, 0, 3, 2)
    assert (high.ap, high.precision, high.recall) == (0, 0, 0)


def test_the_threshold_itself_is_a_hit() -> None:
    assert match(strip((1, 2), (0, 2)), strip((1, 4)), [0.5])[0].tp == 1


def test_an_object_in_halves_is_found_once() -> None:
    (found,) = match(strip((1, 5), (2, 5)), strip((1, 10)), [0.5])
    assert found == Matches(0.5, 1, 1, 0)


def test_below_one_half_the_best_pair_gives_way_to_more_pairs() -> None:
    # 1 overlaps 1 by 5/11 and 2 by 4/12; 2 overlaps 1 only, by 3/10: taking the largest IoU
    # first would leave 2 without a partner.
    predicted = strip((2, 3), (1, 5), (1, 4), (0, 3))
    true = strip((1, 8), (2, 7))
    ious = all_ious(predicted, true)
    assert ious[0, 0] > ious[0, 1] >= 0.3
    assert ious[1, 0] >= 0.3 > ious[1, 1]
    assert match(predicted, true, [0.3])[0] == Matches(0.3, 2, 0, 0)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("shape", [(9, 9), (4, 5, 6)])
def test_counts_equal_those_of_a_search_of_all_pairings(seed: int, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(seed)
    true = np.kron(
        random.integers(0, 6, [-(-n // 3) for n in shape]), np.ones([3] * len(shape), int)
    )
    true = true[tuple(map(slice, shape))]
    changed = random.random(shape) < random.choice([0.1, 0.3, 0.5])
    predicted = np.where(changed, random.integers(0, 6, shape), true) * 3
    ious = all_ious(predicted, true)
    thresholds = (0.1, 0.2, 0.3, *IOU_THRESHOLDS)
    for found in match(predicted, true, thresholds):
        tp = most_pairs(ious >= found.iou)
        assert found == Matches(found.iou, tp, ious.shape[0] - tp, ious.shape[1] - tp)


def test_equal_labels_match_whatever_their_ids() -> None:
    true = np.random.default_rng(0).integers(0, 20, (12, 12))
    ids = np.concatenate([[0], np.random.default_rng(1).permutation(19) * 2**34 + 1])
    for found in match(ids[true], true):
        assert (found.tp, found.fp, found.fn) == (19, 0, 0)


def test_no_background_is_fine() -> None:
    assert match(strip((3, 4), (8, 4)), strip((1, 4), (2, 4)), [0.9])[0] == Matches(0.9, 2, 0, 0)


@pytest.mark.parametrize(
    ("predicted", "true", "expected", "ap"),
    [
        (strip((0, 5)), strip((0, 5)), (0, 0, 0), 1),
        (strip((1, 5)), strip((0, 5)), (0, 1, 0), 0),
        (strip((0, 5)), strip((1, 5)), (0, 0, 1), 0),
        (np.zeros((0, 5), int), np.zeros((0, 5), int), (0, 0, 0), 1),
        (strip((1, 2), (0, 2)), strip((0, 2), (1, 2)), (0, 1, 1), 0),
    ],
)
def test_nothing_to_find_and_nothing_found(
    predicted: np.ndarray, true: np.ndarray, expected: tuple[int, int, int], ap: float
) -> None:
    for found in match(predicted, true, (0.3, 0.5)):
        assert (found.tp, found.fp, found.fn) == expected
        assert found.ap == ap


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match=r"\(1, 3\) and \(1, 4\)"):
        overlaps(strip((1, 3)), strip((1, 4)))


def test_counts_of_images_add_up_and_their_aps_average() -> None:
    first, second = [Matches(0.5, 3, 1, 0)], [Matches(0.5, 0, 2, 4)]
    assert pooled([first, second]) == [Matches(0.5, 3, 3, 4)]
    assert mean_ap([first, second]) == [pytest.approx(3 / 8)]
    assert pooled([]) == mean_ap([]) == []


def panoptic_scene(seed: int, shape: tuple[int, int] = (60, 80)) -> tuple[np.ndarray, np.ndarray]:
    """Return objects of two classes, 2 and 3, on stuff of class 1."""
    rng = np.random.default_rng(seed)
    objects, classes = np.zeros(shape, int), np.zeros(shape, int)
    classes[:, rng.integers(20, 40) :] = 1
    for number in range(1, 9):
        y, x = (6 * (number // 2) + 12 * (number % 2) + 4, 9 * number - 5)
        y, x = y + rng.integers(0, 3), x + rng.integers(0, 3)
        objects[y : y + 7, x : x + 8], classes[y : y + 7, x : x + 8] = number, rng.integers(2, 4)
    return objects, classes


def test_panoptic_quality_is_that_of_torchmetrics() -> None:
    from torchmetrics.detection import PanopticQuality

    things, stuffs = {2, 3}, {0, 1}
    reference = PanopticQuality(things, stuffs, return_sq_and_rq=True, return_per_class=True)
    total = None
    for seed in range(6):
        pair = [panoptic_scene(2 * seed), panoptic_scene(2 * seed + (seed > 0))]
        counts = panoptic_counts(*pair, 3)
        total = counts if total is None else total + counts
        # torchmetrics wants (class, object), and its stuff without an object.
        both = [torch.from_numpy(np.stack([c, o], -1))[None] for o, c in pair]
        reference.update(*both)
    expected = reference.compute().numpy()  # rows: things, then stuff
    ours = np.stack([total.pq, total.sq, total.rq], 1)
    assert np.allclose(ours[[1, 2, 0]], expected[[0, 1, 3]], atol=1e-6)
    assert 0 < total.tp.sum() < total.tp.sum() + total.fp.sum()


def test_panoptic_quality_of_a_hand_worked_case() -> None:
    true = np.zeros((4, 10), int), np.zeros((4, 10), int)
    true[0][:, :4], true[1][:, :4], true[1][:, 4:] = 1, 2, 1
    found = np.zeros((4, 10), int), np.zeros((4, 10), int)
    found[0][:, :3], found[1][:, :3], found[1][:, 4:9] = 1, 2, 1
    counts = panoptic_counts(found, true, 3)
    assert counts.sq[1] == pytest.approx(3 / 4) and counts.rq[1] == 1
    assert counts.pq[0] == pytest.approx(5 / 6)
    assert np.isnan(counts.pq[2])


def test_an_object_of_the_wrong_class_is_a_miss_and_a_false_positive() -> None:
    objects = np.zeros((6, 6), int)
    objects[1:4, 1:4] = 1
    counts = panoptic_counts((objects, 2 * objects), (objects, 3 * objects), 3)
    assert counts.fp.tolist() == [0, 1, 0] and counts.fn.tolist() == [0, 0, 1]
    assert counts.tp.sum() == 0


def test_scores_worked_by_hand_are_those_of_stardist() -> None:
    true = strip((1, 10), (2, 10), (3, 10), (0, 4))
    predicted = strip((1, 9), (0, 3), (2, 8), (3, 6), (0, 4), (4, 4))
    low, high = match(predicted, true, [0.5, 0.7])  # the IoU are 0.9, 0.8 and 0.6; one is invented
    assert (low.tp, low.fp, low.fn, high.tp, high.fp, high.fn) == (3, 1, 0, 2, 2, 1)
    # stardist.matching.matching 0.9.2: accuracy, precision, recall, f1, mean_matched_score, PQ
    for found, expected in (
        (low, (0.75, 0.75, 1, 6 / 7, 2.3 / 3, 2.3 / 3.5)),
        (high, (0.4, 0.5, 2 / 3, 4 / 7, 0.85, 1.7 / 3.5)),
    ):
        ours = (found.ap, found.precision, found.recall, found.f1, found.sq, found.pq)
        assert ours == pytest.approx(expected)


def test_pq_of_objects_is_that_of_torchmetrics() -> None:
    from torchmetrics.detection import PanopticQuality

    reference = PanopticQuality({1}, {0}, return_sq_and_rq=True, return_per_class=True)
    (objects, _), (moved, _) = panoptic_scene(0), panoptic_scene(1)
    both = [torch.from_numpy(np.stack([o > 0, o], -1).astype(int))[None] for o in (moved, objects)]
    reference.update(*both)
    found = match(moved, objects, [0.5001])[0]  # theirs is above 0.5
    expected = reference.compute()[0].tolist()
    assert [found.pq, found.sq, found.f1] == pytest.approx(expected, rel=1e-5)
    assert 0 < found.pq < 1


def test_where_there_is_nothing_all_is_right_but_a_mean_of_nothing() -> None:
    empty = Matches(0.5, 0, 0, 0)
    assert (empty.ap, empty.f1, empty.pq) == (1, 1, 1)
    assert np.isnan(empty.sq)
