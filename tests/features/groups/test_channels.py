"""Channels together, and the background around objects."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.filters import threshold_otsu

from napari_tally.core.errors import InputError
from napari_tally.features.declare.options import Measurements
from napari_tally.features.measure import measure
from napari_tally.objects.expand import grown


def discs(
    *places: tuple[int, int], radius: int = 6, shape: tuple[int, int] = (60, 80)
) -> np.ndarray:
    y, x = np.indices(shape)
    labels = np.zeros(shape, np.uint16)
    for number, (cy, cx) in enumerate(places, 1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return labels


def options(*groups: str, ring: float | None = None) -> Measurements:
    return Measurements(groups=groups, ring=ring)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_pearson_equals_that_of_numpy(dtype: type) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, (40, 50))
    a = rng.normal(5000, 200, (40, 50))
    image = np.stack([a, 2 * a + rng.normal(0, 300, a.shape), rng.normal(900, 50, a.shape)])
    image = image.astype(dtype)
    table = measure(labels, image, channel_names=("a", "b", "c"), options=options("colocalization"))
    assert [c for c in table if c.startswith("pearson")] == [
        "pearson_a_b", "pearson_a_c", "pearson_b_c",
    ]  # fmt: skip
    for row, i in enumerate(range(1, 9)):
        inside = image[:, labels == i].astype(float)
        expected = np.corrcoef(inside)
        for (p, q), column in zip([(0, 1), (0, 2), (1, 2)], list(table)[1:4], strict=True):
            assert table[column][row] == pytest.approx(expected[p, q], abs=1e-9)


def test_manders_is_the_fraction_of_one_channel_where_the_other_is_bright() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, (30, 30))
    a = rng.normal(10, 20, (30, 30))
    b = np.where(rng.random((30, 30)) < 0.4, 100.0, 10.0) + rng.normal(0, 1, (30, 30))
    table = measure(labels, np.stack([a, b]), options=options("colocalization"))
    bright = b > threshold_otsu(b)
    for row, i in enumerate((1, 2, 3)):
        light = np.clip(a, 0, None) * (labels == i)
        assert table["manders_0_1"][row] == pytest.approx(light[bright].sum() / light.sum())


def test_voxels_that_are_not_finite_in_one_channel_are_ignored_in_both() -> None:
    labels = np.ones((1, 5), int)
    image = np.array([[[1, 2, 3, np.nan, 9]], [[2, 4, 6, 1, np.inf]]])
    table = measure(labels, image, options=options("colocalization"))
    assert table["pearson_0_1"].item() == pytest.approx(1)


def test_a_constant_channel_correlates_with_nothing_and_one_channel_gives_no_columns() -> None:
    labels = np.ones((4, 4), int)
    image = np.stack([np.full((4, 4), 3.0), np.arange(16.0).reshape(4, 4)])
    table = measure(labels, image, options=options("colocalization"))
    assert table["pearson_0_1"].isna().all()
    assert list(measure(labels, image[0], options=options("colocalization"))) == ["label"]


def test_the_background_is_that_of_the_ring() -> None:
    labels = discs((20, 20), (20, 60))
    image = np.where(labels > 0, 100.0, 10.0)
    image[:, 40:] += 5
    table = measure(labels, image, options=options("background", ring=4))
    assert table["background_mean"].tolist() == pytest.approx([10, 15])
    assert table["intensity_above_background"].tolist() == pytest.approx([90, 90])


def test_the_ring_excludes_other_objects_and_voxels_nearer_to_them() -> None:
    labels = discs((20, 20), (20, 34))
    image = np.where(labels == 2, 1000.0, 0.0)
    image[:, 28:] += 7  # the half that is nearer to the second one
    table = measure(labels, image, options=options("background", ring=3))
    assert table["background_mean"].tolist() == pytest.approx([0, 7], abs=0.6)


def test_an_object_with_no_background_around_it_has_none() -> None:
    labels = np.array([[1, 1, 2, 2]])
    table = measure(labels, np.ones((1, 4)), options=options("background"))
    assert table["background_mean"].isna().all()


def test_objects_grow_by_a_physical_distance_without_overlap() -> None:
    labels = discs((20, 20), (20, 36))
    cells = grown(labels, 3.0, (1.0, 0.5))
    rows, columns = np.nonzero(cells == 1)
    assert (rows.min(), rows.max()) == (11, 29)
    assert columns.min() == 8
    # Where they meet each voxel goes to the nearer one.
    assert cells[20, 27] == 1
    assert cells[20, 29] == 2
    assert (cells[labels > 0] == labels[labels > 0]).all()
    assert cells.dtype == labels.dtype


@pytest.mark.parametrize("distance", [-1.0, np.nan, np.inf])
def test_the_distance_to_grow_must_not_be_negative(distance: float) -> None:
    with pytest.raises(InputError, match="must be 0 or more"):
        grown(discs((9, 9)), distance, (1, 1))
