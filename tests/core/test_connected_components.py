"""Connected components."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_tally.core.connected_components import components
from napari_tally.core.errors import InputError


@pytest.mark.parametrize("shape", [(9, 11), (4, 5, 6)])
def test_components_of_masks_are_those_of_scipy(shape) -> None:
    everywhere = np.ones((3,) * len(shape))
    for seed in range(200):
        mask = np.random.default_rng(seed).random(shape) < 0.25
        expected, count = ndimage.label(mask, everywhere)
        found = components(mask)
        assert found.max(initial=0) == count
        assert len(np.unique(np.stack([found, expected]).reshape(2, -1), axis=1).T) == count + 1


def test_touching_components_of_different_values_stay_separate() -> None:
    assert components([[1, 1, 2], [0, 3, 3]]).max() == 3
    assert components([[1, 0], [0, 1]]).max() == 1


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2, 2)])
def test_other_numbers_of_axes_are_refused(shape) -> None:
    with pytest.raises(InputError, match="2 or 3 axes"):
        components(np.ones(shape, bool))
