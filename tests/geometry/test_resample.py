"""Labels come back on the source grid, smooth and with all their ids."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.geometry.resample import resample_image, resample_labels, scaled_shape


def _disc(size: int) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    return (np.hypot(y - size / 2, x - size / 2) < 0.4 * size).astype(np.int32) * 7


def test_the_same_shape_changes_nothing() -> None:
    labels = np.random.default_rng(0).integers(0, 5, (9, 8, 7))
    assert np.array_equal(resample_labels(labels, labels.shape), labels)


@pytest.mark.parametrize("size", [64, 200, 133])
def test_a_disc_stays_a_disc(size) -> None:
    back = resample_labels(_disc(50), (size, size))
    assert set(np.unique(back)) == {0, 7}
    truth = _disc(size) > 0
    assert ((back > 0) & truth).sum() / ((back > 0) | truth).sum() > 0.95


def test_edges_are_smoother_than_the_nearest_neighbour() -> None:
    truth = _disc(400) > 0
    nearest = np.kron(_disc(50), np.ones((8, 8), int)) > 0
    voted = resample_labels(_disc(50), (400, 400)) > 0
    assert (voted ^ truth).sum() < 0.8 * (nearest ^ truth).sum()


def test_touching_ids_do_not_mix() -> None:
    labels = np.repeat(np.array([[1, 1, 2, 2]], np.int32), 4, 0)
    assert set(np.unique(resample_labels(labels, (9, 13)))) == {1, 2}


def test_an_image_keeps_its_mean() -> None:
    image = np.random.default_rng(0).random((2, 64, 64)).astype(np.float32)
    small = resample_image(image, scaled_shape((64, 64), 0.25))
    assert small.shape == (2, 16, 16)
    assert small.mean() == pytest.approx(image.mean(), abs=0.01)
