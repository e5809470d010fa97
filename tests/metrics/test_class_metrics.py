"""Agreement of classes: the numbers of MONAI on the same arrays, and cases without a surface."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_iou,
    compute_surface_dice,
)
from scipy.ndimage import gaussian_filter

from napari_tally.metrics.class_metrics import agreements

SPACINGS = [(1.0, 1.0), (0.5, 0.26), (3.0, 1.0, 0.7)]


def classes(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return blobs of the classes 1 and 3."""
    smooth = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    low, high = np.quantile(smooth, (0.25, 0.75))
    return np.where(smooth < low, 1, np.where(smooth > high, 3, 0))


def one_hot(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack([array == c for c in range(4)])[None].astype(np.float32))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # MONAI's of itself
@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
def test_the_numbers_are_those_of_monai(spacing: tuple[float, ...]) -> None:
    shape = (24, 40, 36)[-len(spacing) :]
    true = classes(shape, 0)
    predicted = np.where(classes(shape, 1) == 0, 0, np.roll(true, 2, -1))
    pair, near = (one_hot(predicted), one_hot(true)), 0.9
    options = {"include_background": True, "spacing": list(spacing)}
    expected = {
        "dice": compute_dice(*pair),
        "iou": compute_iou(*pair),
        "hd95": compute_hausdorff_distance(*pair, percentile=95, **options),
        "assd": compute_average_surface_distance(*pair, symmetric=True, **options),
        "nsd": compute_surface_dice(*pair, [near] * 4, **options),
    }
    found = agreements(predicted, true, spacing, near)
    assert [a.class_id for a in found] == [1, 3]
    for name, values in expected.items():
        ours = [getattr(a, name) for a in found]
        assert ours == pytest.approx(values[0, [1, 3]].tolist(), rel=1e-5), name
        assert 0 < ours[0] != 1


def test_two_squares_one_step_apart_by_hand() -> None:
    true, predicted = np.zeros((2, 12, 12), int)
    true[2:6, 2:6], predicted[2:6, 3:7] = 1, 1
    found = agreements(predicted, true, (0.5, 0.5))[0]
    assert (found.dice, found.iou) == (12 / 16, 12 / 20)
    # of 12 voxels of each surface 6 lie on the other one, 6 one step away
    assert found.assd == pytest.approx(0.5 * 6 / 12)
    assert found.hd95 == 0.5
    assert found.nsd == 1  # one voxel is near enough
    assert agreements(predicted, true, (0.5, 0.5), 0.4)[0].nsd == pytest.approx(6 / 12)


def test_spacing_stretches_distances_along_its_axis() -> None:
    true, predicted = np.zeros((2, 9, 9, 9), int)
    true[2:5, 2:7, 2:7], predicted[4:7, 2:7, 2:7] = 1, 1
    flat, deep = (agreements(predicted, true, (z, 1.0, 1.0))[0] for z in (1.0, 3.0))
    assert (flat.hd95, deep.hd95) == (2.0, 6.0)


def test_a_class_that_one_of_them_lacks_has_no_distance() -> None:
    empty, full = np.zeros((5, 5), int), np.full((5, 5), 2)
    for found in (agreements(empty, full)[0], agreements(full, empty)[0]):
        assert (found.class_id, found.dice, found.iou, found.nsd) == (2, 0, 0, 0)
        assert math.isnan(found.hd95) and math.isnan(found.assd)
    assert agreements(empty, empty) == []
