"""Padded maps equal those of numpy, in 2D and 3D, however thin."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.heads.decoding.padded_neighbours import within
from napari_tally.heads.decoding.padding import framed_levels, framed_where, looked_up, row_starts

SHAPES = [(5, 7), (1, 4), (6, 1), (3, 4, 5), (1, 6, 2), (4, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_row_starts_are_those_of_the_padded_array(shape: tuple[int, ...]) -> None:
    places = np.arange(np.prod([n + 2 for n in shape])).reshape([n + 2 for n in shape])
    assert row_starts(shape).tolist() == within(places)[..., 0].ravel().tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_heights_become_levels_inside_and_zero_outside(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    height = rng.uniform(-0.2, 1.2, shape).astype(np.float32)
    mask = rng.random(shape) < 0.7
    found = framed_levels(height, mask, 256, first=1)
    levels = (np.clip(height, 0, 1) * np.float32(255)).astype(int) + 1
    np.testing.assert_array_equal(within(found), np.where(mask, levels, 0))
    assert found.sum() == within(found).sum()


@pytest.mark.parametrize("shape", SHAPES)
def test_padded_values_are_looked_up_in_a_table(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    values, mask = rng.integers(0, 9, shape), rng.random(shape) < 0.5
    framed = framed_where(mask, values, -1)
    np.testing.assert_array_equal(within(framed), np.where(mask, values, -1))
    assert (framed == -1).sum() == framed.size - mask.sum()
    table = rng.integers(0, 99, 10).astype(np.int32)
    found = looked_up(table, framed_where(mask, values, 9))
    np.testing.assert_array_equal(found, table[np.where(mask, values, 9)])
    assert found.flags.c_contiguous
