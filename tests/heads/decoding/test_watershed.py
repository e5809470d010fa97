"""Hills of a height map: separate if the pass is low, merged if it is only a bump."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from napari_tally.heads.decoding.watershed import basins


def row(*heights: float) -> np.ndarray:
    return np.array([heights], np.float32)


def test_a_low_pass_separates_and_a_high_one_does_not() -> None:
    inside = np.ones((1, 7), np.uint16)
    low, high = row(1, 3, 1, 1, 1, 3, 1), row(1, 3, 2.9, 2.8, 2.9, 3, 1)
    assert basins(low, inside, 0.8, 0).max() == 2
    assert basins(high, inside, 0.8, 0).max() == 1
    assert basins(high, inside, 1.0, 0).max() == 2


def test_the_lower_peak_decides() -> None:
    inside = np.ones((1, 5), np.uint16)
    assert basins(row(10, 2, 1.9, 2.1, 1), inside, 0.8, 0).max() == 1
    assert basins(row(10, 2, 1.5, 2.1, 1), inside, 0.8, 0).max() == 2


def test_a_step_below_the_minimum_does_not_separate() -> None:
    inside = np.ones((1, 3), np.uint16)
    assert basins(row(1, 0.5, 1), inside, 0.8, 0.6).max() == 1


def test_a_peak_between_two_merges_with_the_more_similar_one() -> None:
    found = basins(row(5, 1, 3, 2.9, 4), np.ones((1, 5), np.uint16), 0.8, 0)
    assert found.max() == 2
    assert found[0, 2] == found[0, 4] != found[0, 0]


def test_different_labels_are_never_merged() -> None:
    labels = np.array([[1, 1, 2, 2], [0, 0, 0, 3]], np.uint16)
    found = basins(np.ones((2, 4)), labels, 0.5, 0)
    assert found.tolist() == [[1, 1, 2, 2], [0, 0, 0, 3]]


def test_with_a_neck_of_zero_basins_are_the_connected_components() -> None:
    rng = np.random.default_rng(0)
    for shape in ((40, 50), (9, 20, 21)):
        mask = rng.random(shape) < 0.3
        expected, count = label(mask, np.ones((3,) * len(shape)))
        found = basins(rng.random(shape), mask.astype(np.uint16), 0, np.inf)
        assert found.max() == count
        assert np.array_equal(found, expected)


def test_empty_labels_stay_empty() -> None:
    empty = np.zeros((0, 4), np.uint16)
    assert basins(empty.astype(float), empty, 0.8, 0).shape == (0, 4)
