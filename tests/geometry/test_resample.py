"""Labels come back on the source grid, smooth and with all their ids."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.geometry.resample import (
    resample_image,
    resample_labels,
    resampled_slabs,
    scaled_shape,
)


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
    expected = _disc(size) > 0
    assert ((back > 0) & expected).sum() / ((back > 0) | expected).sum() > 0.95


def test_edges_are_smoother_than_the_nearest_neighbour() -> None:
    expected = _disc(400) > 0
    nearest = np.kron(_disc(50), np.ones((8, 8), int)) > 0
    voted = resample_labels(_disc(50), (400, 400)) > 0
    assert (voted ^ expected).sum() < 0.8 * (nearest ^ expected).sum()


def test_touching_ids_do_not_mix() -> None:
    labels = np.repeat(np.array([[1, 1, 2, 2]], np.int32), 4, 0)
    assert set(np.unique(resample_labels(labels, (9, 13)))) == {1, 2}


def test_an_image_keeps_its_mean() -> None:
    image = np.random.default_rng(0).random((2, 64, 64)).astype(np.float32)
    small = resample_image(image, scaled_shape((64, 64), 0.25))
    assert small.shape == (2, 16, 16)
    assert small.mean() == pytest.approx(image.mean(), abs=0.01)


@pytest.mark.parametrize("shape", [(12, 20, 9), (5, 7, 30), (30, 41, 12), (12, 20, 30), (1, 1, 1)])
def test_slabs_of_maps_are_linear_and_keep_their_mean(shape) -> None:
    ramp = sum(np.indices((12, 20, 30)) + 0.5)[None].astype(np.float32)
    slabs = list(resampled_slabs(np.concatenate([ramp, ramp * 2]), shape))
    whole = np.concatenate([slab for _, slab in slabs], axis=1)
    assert whole.shape == (2, *shape)
    assert np.allclose(whole[1], 2 * whole[0], rtol=1e-5)
    assert whole[0].mean() == pytest.approx(ramp.mean(), rel=0.03)
    inner = whole[(0, *(slice(n // 3, n - n // 3) for n in shape))]
    expected = sum(
        (i + 0.5) * old / new
        for i, old, new in zip(np.indices(shape), ramp.shape[1:], shape, strict=True)
    )
    middle = expected[tuple(slice(n // 3, n - n // 3) for n in shape)]
    assert np.allclose(inner, middle, atol=0.05 * ramp.max())


def test_slabs_fit_together_however_thin_they_are(monkeypatch) -> None:
    maps = np.random.default_rng(0).random((3, 11, 13, 9)).astype(np.float16)
    for shape in ((23, 13, 9), (4, 13, 20), (11, 13, 9)):
        ((_, whole),) = resampled_slabs(maps, shape)
        monkeypatch.setattr("napari_tally.geometry.resample._SLAB", 2 * shape[1] * shape[2])
        thin = list(resampled_slabs(maps, shape))
        monkeypatch.undo()
        assert len(thin) == -(-shape[0] // 2)
        assert np.allclose(np.concatenate([slab for _, slab in thin], 1), whole, atol=1e-6)


def test_flat_maps_are_resampled_too() -> None:
    ((_, slab),) = resampled_slabs(np.ones((2, 8, 6), np.float32), (16, 3))
    assert np.allclose(slab, np.ones((2, 16, 3)))


def test_a_sheet_between_the_new_voxels_still_counts() -> None:
    maps = np.zeros((1, 40, 4, 4), np.float32)
    maps[:, 18] = 1
    ((_, slab),) = resampled_slabs(maps, (10, 4, 4))
    assert slab.sum() / (10 * 16) == pytest.approx(maps.mean(), rel=0.01)
