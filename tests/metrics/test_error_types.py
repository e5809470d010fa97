"""Error types: cases worked by hand, and sums that hold for any images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.metrics.error_types import CODES, match_outcomes, merges_and_splits, outcome_image
from napari_tally.metrics.match import match
from napari_tally.metrics.overlaps import Overlaps, overlaps


def strip(*runs: tuple[int, int]) -> np.ndarray:
    """Return one row of voxels from (id, length) runs."""
    return np.concatenate([np.full(length, number) for number, length in runs])[None]


def told(predicted: np.ndarray, true: np.ndarray, side: str) -> dict[int, tuple[str, int]]:
    """Return fate and partner of each object of a side by its id."""
    table = match_outcomes(overlaps(predicted, true))
    own = table[table["side"] == side]
    columns = (own[name].tolist() for name in ("label", "fate", "partner"))
    return {label: (fate, partner) for label, fate, partner in zip(*columns, strict=True)}


def random_overlaps(seed: int) -> Overlaps:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 9, (2, 5, 5))
    predicted, true = (np.kron(c, np.ones((4, 4), int)) for c in coarse)
    return overlaps(np.where(rng.random(true.shape) < 0.5, true, predicted), true)


def test_found_missed_and_false() -> None:
    true = strip((3, 4), (0, 2), (5, 4), (0, 4))
    predicted = strip((8, 3), (0, 7), (9, 4))
    assert told(predicted, true, "true") == {3: ("found", 8), 5: ("missed", 0)}
    assert told(predicted, true, "predicted") == {8: ("true", 3), 9: ("false", 0)}


def test_one_object_over_two_true_ones_is_a_merge() -> None:
    true, predicted = strip((1, 4), (2, 4)), strip((7, 8))
    # IoU 1/2 with each: a pair at 0.5, of which the assignment takes the first
    apart = strip((1, 3), (0, 1), (2, 4))
    assert told(predicted, apart, "true") == {1: ("merged", 7), 2: ("found", 7)}
    assert told(strip((7, 9)), strip((1, 4), (2, 4), (0, 1)), "true") == {
        1: ("merged", 7),
        2: ("merged", 7),
    }
    assert told(strip((7, 9)), strip((1, 4), (2, 4), (0, 1)), "predicted")[7][0] == "merged"
    assert merges_and_splits(overlaps(predicted, true)) == (1, 0)


def test_one_true_object_in_three_parts_is_a_split() -> None:
    true, predicted = strip((4, 9)), strip((1, 3), (2, 3), (3, 3))
    assert told(predicted, true, "true")[4][0] == "split"
    assert told(predicted, true, "predicted") == dict.fromkeys((1, 2, 3), ("split", 4))
    assert merges_and_splits(overlaps(predicted, true)) == (0, 1)


def test_a_speck_beside_the_object_that_was_found_counts_as_a_split_of_it() -> None:
    true, predicted = strip((1, 10)), strip((1, 9), (2, 1))
    assert told(predicted, true, "true") == {1: ("found", 1)}
    assert told(predicted, true, "predicted") == {1: ("true", 1), 2: ("split", 1)}
    assert merges_and_splits(overlaps(predicted, true)) == (0, 1)


def test_half_of_an_object_is_not_most_of_it() -> None:
    true, predicted = strip((1, 4), (2, 4)), strip((0, 2), (5, 4), (0, 2))
    assert merges_and_splits(overlaps(predicted, true)) == (0, 0)
    assert told(predicted, true, "predicted")[5][0] == "false"


def test_the_iou_is_that_with_the_match() -> None:
    table = match_outcomes(overlaps(strip((1, 6), (0, 2)), strip((0, 2), (1, 6))))
    assert table["iou"].tolist() == [0.5, 0.5]
    assert table["size_px"].tolist() == [6, 6]


@pytest.mark.parametrize("seed", range(20))
def test_found_objects_are_the_true_positives(seed: int) -> None:
    found = random_overlaps(seed)
    rng = np.random.default_rng(seed)
    predicted, true = rng.integers(0, 9, (2, 6, 6))
    for threshold in (0.2, 0.5, 0.7):
        table = match_outcomes(overlaps(predicted, true), threshold)
        counts = match(predicted, true, [threshold])[0]
        by_side = table[table["fate"].isin(["found", "true"])].groupby("side").size()
        assert by_side.get("true", 0) == by_side.get("predicted", 0) == counts.tp
        assert len(table) == 2 * counts.tp + counts.fp + counts.fn
    table = match_outcomes(found)
    assert set(table.loc[table["side"] == "true", "fate"]) <= {"found", "missed", "merged", "split"}
    assert set(table.loc[table["side"] == "predicted", "fate"]) <= {
        "true",
        "false",
        "merged",
        "split",
    }


@pytest.mark.parametrize("seed", range(10))
def test_a_merge_mirrored_is_a_split(seed: int) -> None:
    found = random_overlaps(seed)
    assert merges_and_splits(found.mirrored()) == merges_and_splits(found)[::-1]


def test_an_outcome_image_shows_the_outcome_of_each_object() -> None:
    true, predicted = strip((30, 4), (0, 2), (5, 4)), strip((8, 3), (0, 7))
    table = match_outcomes(overlaps(predicted, true))
    found, missed = CODES["found"], CODES["missed"]
    assert outcome_image(true, table, "true").tolist() == [[found] * 4 + [0] * 2 + [missed] * 4]
    assert outcome_image(predicted, table, "predicted").tolist() == [[found] * 3 + [0] * 7]


def test_selected_objects_match_as_if_there_were_no_others() -> None:
    rng = np.random.default_rng(0)
    predicted, true = rng.integers(0, 7, (2, 8, 8))
    some = np.array([False, True, False, True, True, False, True])
    alone = overlaps(np.where(some[predicted], predicted, 0), np.where(some[true], true, 0))
    ours = overlaps(predicted, true).of(some, some)
    assert np.array_equal(ours.iou, alone.iou)
    assert np.array_equal(ours.predicted, alone.predicted) and ours.n_true == alone.n_true
    assert ours.true_ids.tolist() == alone.true_ids.tolist() == [0, 1, 3, 4, 6]
