"""Scores: instances by average precision, classes by Dice."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.heads import Boundary, Semantic
from napari_tally.heads.validation_score import dice_per_class

TRUTH = np.zeros((8, 8), np.uint16)
TRUTH[:4, :4], TRUTH[4:, 4:] = 1, 2


def test_a_perfect_answer_scores_one_with_any_head() -> None:
    for head in (Boundary(), Semantic(classes=("a", "b"))):
        assert head.score([TRUTH], [TRUTH]).main == pytest.approx(1)


def test_class_ids_matter_but_instance_ids_do_not() -> None:
    swapped = np.array([0, 2, 1], np.uint16)[TRUTH]
    assert Boundary().score([swapped], [TRUTH]).main == pytest.approx(1)
    assert Semantic(classes=("a", "b")).score([swapped], [TRUTH]).main == 0


def test_dice_is_twice_the_overlap_over_the_sum() -> None:
    found = TRUTH.copy()
    found[:4, :4] = 0
    found[:4, :2] = 1
    assert dice_per_class([found], [TRUTH], 2) == pytest.approx([2 * 8 / (8 + 16), 1])


def test_an_image_without_a_class_does_not_count_for_it() -> None:
    without = np.where(TRUTH == 1, 1, 0)
    assert dice_per_class([TRUTH, without], [TRUTH, without], 2) == pytest.approx([1, 1])


def test_the_score_of_no_images_is_zero() -> None:
    assert Boundary().score([], []).main == Semantic().score([], []).main == 0
