"""Shape and intensities beyond the first table: against scikit-image, numpy and known shapes."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label, regionprops

from napari_tally.core.errors import InputError
from napari_tally.features.declare.options import Measurements
from napari_tally.features.groups.shape import principal
from napari_tally.features.measure import measure
from napari_tally.features.registry import GROUPS


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.random(tuple(-(-n // 4) for n in shape)) < 0.3
    mask = np.kron(coarse, np.ones((4,) * len(shape), bool))[tuple(map(slice, shape))]
    return label(mask ^ (random.random(shape) < 0.05), connectivity=1)


def options(*groups: str) -> Measurements:
    return Measurements(groups=groups)


def rod(angle: float) -> np.ndarray:
    """Return a bar whose long axis has an angle to X, counter-clockwise with Y down."""
    y, x = np.indices((61, 61)) - 30
    along = x * np.cos(np.radians(angle)) - y * np.sin(np.radians(angle))
    across = x * np.sin(np.radians(angle)) + y * np.cos(np.radians(angle))
    return ((abs(along) <= 22.3) & (abs(across) <= 4.3)).astype(int)


@pytest.mark.parametrize("angle", [-80, -45, -10, 0, 30, 60, 90])
def test_orientation_is_the_angle_as_displayed(angle: float) -> None:
    found = measure(rod(angle), options=options("shape"))["orientation_deg"].item()
    assert found == pytest.approx(angle, abs=0.5)
    assert -90 < found <= 90


def test_orientation_uses_the_spacing() -> None:
    table = measure(rod(45), spacing=(2, 1), unit="um", options=options("shape"))
    assert table["orientation_deg"].item() == pytest.approx(np.degrees(np.arctan(2)), abs=1.5)


def test_eccentricity_equals_that_of_scikit_image() -> None:
    labels = blobs((70, 90))
    ours = measure(labels, options=options("shape"))["eccentricity"]
    np.testing.assert_allclose(ours, [r.eccentricity for r in regionprops(labels)], atol=2e-7)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_direction_of_a_rod_in_a_stack(axis: int) -> None:
    labels = np.zeros((30, 30, 30), int)
    box = [slice(13, 16)] * 3
    box[axis] = slice(2, 28)
    labels[tuple(box)] = 1
    row = measure(labels, options=options("shape")).iloc[0]
    assert [row[f"axis_major_direction_{a}"] for a in "zyx"] == np.eye(3)[axis].tolist()
    assert row["elongation"] == pytest.approx(26 / 3)
    assert row["flatness"] == pytest.approx(1)


@pytest.mark.parametrize("ndim", [2, 3])
def test_principal_axes_of_any_scale_restore_the_covariance(ndim: int) -> None:
    random = np.random.default_rng(0)
    roots = random.normal(size=(500, ndim, ndim)) * np.exp(random.uniform(-6, 6, (500, 1, 1)))
    matrices = roots @ roots.transpose(0, 2, 1)
    special = np.zeros((ndim, ndim)), np.eye(ndim), np.diag([3.0, 1, 3][:ndim])
    matrices[:4] = *special, np.ones((ndim, ndim))
    values, axes = principal(matrices, np.ones(ndim))
    largest = np.maximum(values[:, :1], 1e-300)
    assert (values[:, :-1] >= values[:, 1:]).all()
    again = (axes * values[:, None]) @ axes.transpose(0, 2, 1)
    assert np.abs((again - matrices) / largest[:, :, None]).max() < 1e-14
    assert np.abs(axes.transpose(0, 2, 1) @ axes - np.eye(ndim)).max() < 1e-14


def test_a_single_voxel_points_along_z() -> None:
    row = measure(np.ones((1, 1, 1), int), options=options("shape")).iloc[0]
    assert [row[f"axis_major_direction_{a}"] for a in "zyx"] == [1, 0, 0]
    assert str(row["axis_minor_length_px"]) == "0.0"


def test_no_objects_have_no_axes() -> None:
    values, axes = principal(np.empty((0, 3, 3)), np.ones(3))
    assert values.shape == (0, 3) and axes.shape == (0, 3, 3)


def test_a_plate_is_flat_and_a_single_voxel_is_as_its_box() -> None:
    labels = np.zeros((9, 20, 20), int)
    labels[4, 2:18, 2:18] = 1
    labels[0, 0, 0] = 2
    table = measure(labels, spacing=(3, 1, 1), unit="um", options=options("shape"))
    assert table["flatness"].tolist() == pytest.approx([16 / 3, 1])
    assert table["elongation"].tolist() == pytest.approx([1, 3])
    assert np.isfinite(table.to_numpy(float)).all()


@pytest.mark.parametrize("shape", [(70, 90), (17, 40, 50)], ids=["2D", "3D"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_percentiles_equal_those_of_numpy(shape: tuple[int, ...], dtype: type) -> None:
    labels = blobs(shape)
    image = np.random.default_rng(1).normal(100, 30, (2, *shape)).clip(0, 255).astype(dtype)
    if np.dtype(dtype).kind == "f":
        image[0, ..., ::7] = np.nan
    table = measure(labels, image, options=options("distribution"))
    for c in range(2):
        for row, i in enumerate(np.unique(labels)[1:]):
            values = image[c][labels == i]
            values = values[np.isfinite(values)]
            expected = np.percentile(values, [5, 25, 50, 75, 95]) if len(values) else [np.nan] * 5
            names = ("p5", "p25", "median", "p75", "p95")
            found = [table[f"intensity_{n}_{c}"][row] for n in names]
            np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(70, 90), (17, 40, 50)], ids=["2D", "3D"])
def test_displacement_is_that_of_the_centre_of_mass(shape: tuple[int, ...]) -> None:
    labels = blobs(shape)
    image = np.random.default_rng(1).normal(10, 3, shape)
    spacing = (2, 0.7, 0.3)[-len(shape) :]
    found = measure(labels, image, spacing, "um", options=options("balance"))
    for i, region in enumerate(regionprops(labels)):
        places = np.argwhere(labels == region.label)
        weights = image[labels == region.label]
        weights = weights - weights.min()
        mass = weights @ places / weights.sum() if weights.sum() else places.mean(axis=0)
        expected = np.linalg.norm((mass - places.mean(axis=0)) * spacing)
        assert found["intensity_displacement_um"][i] == pytest.approx(expected, abs=1e-9)


def test_sum_variation_and_voxels_without_intensity() -> None:
    labels = np.array([[1, 1, 1, 1, 2, 2, 3]])
    image = np.array([[2, 4, np.nan, 6, np.inf, np.nan, 0.0]])
    table = measure(labels, image, options=options("intensity", "balance"))
    assert table["intensity_sum"].tolist() == [12, 0, 0]
    assert table["intensity_nonfinite_px"].tolist() == [1, 2, 0]
    assert table["intensity_cv"][0] == pytest.approx(np.std([2, 4, 6]) / 4)
    assert table["intensity_cv"][1:].isna().all()
    assert table["intensity_displacement_px"].isna().tolist() == [False, True, False]


def test_groups_are_in_order_and_unknown_ones_are_refused() -> None:
    table = measure(np.ones((3, 3), int), options=options("border", "size"))
    assert list(table) == ["label", "area_px2", "equivalent_diameter_px", "touches_border"]
    with pytest.raises(InputError, match=r"'sizes'. Did you mean 'size'\? Available: size, place"):
        measure(np.ones((3, 3), int), options=options("sizes"))


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_every_group_gives_its_columns_with_one_object_and_with_none(name: str, ndim: int) -> None:
    image = np.random.default_rng(0).random((2, *(7,) * ndim))
    some = np.zeros((7,) * ndim, int)
    some[(slice(2, 5),) * ndim] = 4
    full = measure(some, image, (1,) * ndim, "um", ("a", "b"), options(name))
    none = measure(some * 0, image, (1,) * ndim, "um", ("a", "b"), options(name))
    declared = [
        key + feature.suffix("um") + ending
        for feature in GROUPS[name].for_axes(ndim)
        for key in feature.keys(ndim)
        for ending in feature.endings(("_a", "_b"))
    ]
    assert list(full) == list(none) == ["label", *declared]
    assert (len(full), len(none)) == (1, 0)
