"""Calibration and its measures: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.heads.confidence import calibrated
from napari_tally.metrics.reliability import auroc, calibration_error, reliability, true_ones


def test_auroc_counts_pairs_in_the_right_order_and_ties_half() -> None:
    true = np.array([True, True, False, False])
    assert auroc(np.array([0.9, 0.8, 0.2, 0.1]), true) == 1
    assert auroc(np.array([0.9, 0.1, 0.5, 0.5]), true) == 0.5
    assert auroc(np.array([0.5, 0.5, 0.5, 0.1]), true) == 0.75
    assert np.isnan(auroc(np.ones(2), np.ones(2, bool)))


def test_true_ones_are_those_that_overlap_half() -> None:
    ground_truth = np.zeros((10, 30), int)
    ground_truth[:, 2:10], ground_truth[:, 20:28] = 7, 3
    found = np.zeros_like(ground_truth)
    found[:, 3:10], found[:, 12:14], found[:, 26:30] = 1, 2, 3
    assert true_ones(found, ground_truth).tolist() == [True, False, False]


def test_of_objects_with_confidence_near_80_percent_80_percent_are_true() -> None:
    rng = np.random.default_rng(0)
    evidence = rng.normal(size=(20_000, 2)) * [1, 30] + [0.5, 100]
    logit = 2 * evidence[:, 0] - 0.05 * evidence[:, 1] + 4
    true = rng.random(len(logit)) < 1 / (1 + np.exp(-logit))
    fitted = calibrated(evidence[:10_000], true[:10_000], ("a", "b"))
    assert fitted.weights == pytest.approx((2, -0.05), rel=0.1)
    confidence = fitted(evidence[10_000:])
    rows = reliability(confidence, true[10_000:])
    assert sum(row.count for row in rows) == 10_000
    assert calibration_error(rows) < 0.02
    (near,) = (row for row in rows if row.low == 0.8)
    assert near.true == pytest.approx(near.confidence, abs=0.04)


def test_a_calibration_by_objects_that_all_are_true_is_finite() -> None:
    fitted = calibrated(np.ones((30, 2)), np.ones(30, bool), ("a", "b"))
    assert fitted(np.ones((1, 2)))[0] > 0.9


def test_overconfidence_has_a_calibration_error() -> None:
    rows = reliability(np.full(100, 0.95), np.arange(100) < 50)
    assert calibration_error(rows) == pytest.approx(0.45)
