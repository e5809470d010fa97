"""Counting and replacing ids gives the results of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.label_ids import renumbered, sizes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
@pytest.mark.parametrize("shape", [(7, 9, 5), (31, 40), (0, 4)])
def test_voxels_are_counted_and_ids_replaced(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 50, shape).astype(dtype)
    assert sizes(labels, 60).tolist() == np.bincount(labels.ravel().astype(int), None, 61).tolist()
    new = rng.permutation(61).astype(np.uint16)
    found = renumbered(labels, new)
    assert found.dtype == np.uint16
    assert np.array_equal(found, new[labels.astype(int)])


def test_labels_in_another_memory_order() -> None:
    labels = np.arange(24).reshape(4, 6)
    new = np.arange(24, dtype=np.uint32)[::-1].copy()
    assert np.array_equal(renumbered(labels.T, new), 23 - labels.T)
    assert sizes(labels[:, ::2], 24).sum() == 12
