"""Depths are the distances of `edt`, from compiled loops."""

from __future__ import annotations

import edt
import numpy as np
import pytest

from napari_tally.core.jit import compiled
from napari_tally.heads.encoding.distance_transform import squared_depths


@compiled()
def _depths(stack):
    return squared_depths(stack)


@pytest.mark.parametrize("shape", [(1, 40, 57), (9, 20, 31), (1, 1, 30), (5, 1, 1)])
@pytest.mark.parametrize("size", [1, 3, 9])
def test_depths_equal_those_of_edt(shape, size) -> None:
    rng = np.random.default_rng(size)
    coarse = rng.integers(0, 3, [n // size + 1 for n in shape], np.int32)
    for axis in range(3):
        coarse = coarse.repeat(size, axis)
    labels = np.ascontiguousarray(coarse[tuple(slice(n) for n in shape)])
    np.testing.assert_array_equal(_depths(labels), edt.edtsq(labels, black_border=False))


def test_without_a_border_they_are_infinite() -> None:
    assert np.isinf(_depths(np.ones((2, 3, 4), np.int32))).all()
    assert not _depths(np.zeros((2, 3, 4), np.int32)).any()
