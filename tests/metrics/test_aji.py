"""The aggregated Jaccard index: by hand, and against the algorithm of the paper step by step."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.metrics.aji import Aggregated, aggregated
from napari_tally.metrics.overlaps import overlaps


def algorithm_of_the_paper(predicted: np.ndarray, true: np.ndarray) -> float:
    """Return the index as Algorithm 1 of Kumar et al., 2017, counts it, mask by mask."""
    masks = {int(i): predicted == i for i in np.unique(predicted[predicted > 0])}
    shared, union, used = 0, 0, set()
    for g in np.unique(true[true > 0]):
        mask = true == g
        ious = {i: (mask & m).sum() / (mask | m).sum() for i, m in masks.items()}
        best = max(ious, key=lambda i: (ious[i], -i), default=None)
        if best is None or ious[best] == 0:
            union += int(mask.sum())
            continue
        shared += int((mask & masks[best]).sum())
        union += int((mask | masks[best]).sum())
        used.add(best)
    union += sum(int(m.sum()) for i, m in masks.items() if i not in used)
    return shared / union


@pytest.mark.parametrize("seed", range(20))
def test_the_index_is_that_of_the_algorithm_in_the_paper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.integers(0, 7, (5, 5)), np.ones((3, 3), int))
    predicted = np.where(rng.random(coarse.shape) < 0.4, rng.integers(0, 7, coarse.shape), coarse)
    found = aggregated(overlaps(predicted, coarse))
    assert found.aji == pytest.approx(algorithm_of_the_paper(predicted, coarse))


def test_a_hand_worked_case() -> None:
    true = np.array([[1, 1, 1, 1, 0, 2, 2, 0]])
    predicted = np.array([[5, 5, 5, 0, 0, 0, 0, 6]])
    # 3 of 4 shared; 2 voxels missed and 1 invented go to the union
    assert aggregated(overlaps(predicted, true)) == Aggregated(3, 4 + 2 + 1)


def test_a_predicted_object_that_two_true_ones_take_is_counted_with_each() -> None:
    true, predicted = np.array([[1, 1, 2, 2]]), np.array([[9, 9, 9, 9]])
    assert aggregated(overlaps(predicted, true)) == Aggregated(4, 8)


def test_nothing_at_all_is_perfect_and_images_add_up() -> None:
    empty = np.zeros((2, 2), int)
    assert aggregated(overlaps(empty, empty)).aji == 1
    assert aggregated(overlaps(empty, empty + 1)).aji == 0
    assert (Aggregated(1, 2) + Aggregated(3, 6)).aji == 0.5
