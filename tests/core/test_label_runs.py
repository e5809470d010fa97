"""Runs of labels, and which labels occur."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.label_runs import present


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("shape", [(5, 7, 64), (5, 7, 63), (40, 30), (3, 1), (0, 4), (2, 0, 4)])
def test_the_labels_that_occur_are_those_of_numpy(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(0)
    for high, length in [(4, 1), (1000, 3), (60_000, 11)]:
        values = rng.integers(0, high, (*shape[:-1], -(-shape[-1] // length)))
        labels = np.repeat(values, length, axis=-1)[..., : shape[-1]].astype(dtype)
        expected = np.unique(labels)
        found = present(labels, int(labels.max(initial=0)))
        assert found.tolist() == expected[expected > 0].tolist()


def test_labels_in_another_memory_order() -> None:
    labels = np.arange(24, dtype=np.uint16).reshape(4, 6)
    assert present(labels.T, 23).tolist() == list(range(1, 24))
    assert present(labels[:, ::2], 23).tolist() == labels[:, ::2].ravel()[1:].tolist()
