"""Simulated tissue: exact labels, walls between cells, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from napari_tally.simulate.tissue import Tissue

SMALL = Tissue(shape=(24, 56, 56), diameter=16)


def test_the_same_seed_draws_the_same_tissue() -> None:
    first, second = SMALL.draw(), SMALL.draw()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    other = SMALL.model_copy(update={"seed": 1}).draw()
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize("filled", [0.5, 1.0])
def test_labels_are_consecutive_and_cells_connected(filled) -> None:
    _, labels = SMALL.model_copy(update={"filled": filled, "bend": 0.0}).draw()
    ids = np.unique(labels[labels > 0])
    assert ids.tolist() == list(range(1, len(ids) + 1))
    assert (np.mean(labels == 0) < 0.01) == (filled == 1)
    assert all(label(labels == i, np.ones((3, 3, 3)))[1] == 1 for i in ids)


def test_walls_are_brighter_than_cells_and_than_empty_space() -> None:
    image, labels = SMALL.model_copy(update={"filled": 0.6, "photons": 500, "haze": 0}).draw()
    beside = np.zeros(labels.shape, bool)
    beside[:, :, 1:] = (labels[:, :, 1:] != labels[:, :, :-1]) & (labels[:, :, 1:] > 0)
    assert image[beside].mean() > 1.4 * image[~beside & (labels > 0)].mean()
    assert image[labels == 0].mean() < image[beside].mean() / 1.5


def test_the_size_of_cells_is_as_asked() -> None:
    _, labels = Tissue(shape=(64, 96, 96), diameter=18, filled=1.0).draw()
    volume = labels.size / labels.max()
    assert (6 * volume / np.pi) ** (1 / 3) == pytest.approx(18, rel=0.45)


def test_coarse_slices_hold_the_same_cells() -> None:
    _, labels = Tissue(shape=(12, 64, 64), diameter=16, coarse=3, filled=1.0).draw()
    heights = [len(np.unique(np.argwhere(labels == i)[:, 0])) for i in range(1, labels.max() + 1)]
    assert 3 <= np.median(heights) <= 8
