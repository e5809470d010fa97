"""Run lengths of masks: COCO's form, in a box or in an image."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.run_lengths import area_of, compressed, decoded, encoded
from napari_tally.files.coco_mask import decompressed


def _plain(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(np.diff(flat.astype(int)))
    return np.diff([0, *edges, mask.size]).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_any_mask_comes_back(seed) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 12, 2)
    mask = rng.random((height, width)) < rng.choice([0, 0.1, 0.5, 0.9, 1])
    runs = encoded(mask)
    assert runs.tolist() == _plain(mask)
    assert np.array_equal(decoded(runs, mask.shape), mask)
    assert area_of(runs) == mask.sum()
    assert decompressed(compressed(runs)) == runs.tolist()


@pytest.mark.parametrize("seed", range(40))
def test_a_mask_in_an_image_has_the_runs_of_the_image(seed) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 9, 2).tolist())
    height, width = (int(rng.integers(1, n + 1)) for n in shape)
    top, left = (
        int(rng.integers(0, n - m + 1)) for n, m in zip(shape, (height, width), strict=True)
    )
    mask = rng.random((height, width)) < rng.choice([0.2, 0.6, 1])
    image = np.zeros(shape, bool)
    image[top : top + height, left : left + width] = mask
    assert encoded(mask, (top, left), shape).tolist() == _plain(image)
