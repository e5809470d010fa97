"""Convex hulls against scikit-image, against known shapes and against trying everything."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import label, regionprops_table

from napari_tally.features.declare.options import Measurements
from napari_tally.features.kernels import row_extents
from napari_tally.features.measure import measure

HULL = Measurements(groups=("hull",))
SPACINGS = {2: (0.7, 0.3), 3: (2.0, 0.7, 0.3)}
SHAPES = [(90, 110), (25, 40, 50)]


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return irregular labels of all sizes from one voxel up, some of them flat."""
    random = np.random.default_rng(seed)
    coarse = random.random(tuple(-(-n // 5) for n in shape)) < 0.2
    mask = np.kron(coarse, np.ones((5,) * len(shape), bool))[tuple(map(slice, shape))]
    return label(mask ^ (random.random(shape) < 0.03), connectivity=1)


def dust(shape: tuple[int, ...], n: int, seed: int) -> np.ndarray:
    """Return one object of n voxels in many components."""
    labels = np.zeros(shape, np.uint8)
    labels.flat[np.random.default_rng(seed).permutation(labels.size)[:n]] = 7
    return labels


def by_skimage(labels: np.ndarray) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # flat objects of a stack: it gives them no hull
        return pd.DataFrame(regionprops_table(labels, properties=("area_convex", "solidity")))


def midpoints(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Return the midpoints of all faces of an object's voxels."""
    offsets = np.concatenate([np.eye(mask.ndim), -np.eye(mask.ndim)]) / 2
    points = np.argwhere(mask)[:, None] + offsets
    return points.reshape(-1, mask.ndim) * spacing


def narrowest(points: np.ndarray) -> float:
    """Return the minimum width across all pairs of lines between corners of the hull."""
    corners = points[ConvexHull(points).vertices]
    first, second = np.triu_indices(len(corners), 1)
    lines = corners[first] - corners[second]
    if points.shape[1] == 2:
        normals = lines[:, ::-1] * (1, -1)
    else:
        first, second = np.triu_indices(len(lines), 1)
        normals = np.cross(lines[first], lines[second])
    lengths = np.linalg.norm(normals, axis=1)
    normals = normals[lengths > 1e-9] / lengths[lengths > 1e-9, None]
    return float(np.ptp(corners @ normals.T, axis=0).min())


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_hulls_have_as_many_voxels_as_those_of_scikit_image(shape: tuple[int, ...]) -> None:
    labels = blobs(shape)
    ours, theirs = measure(labels, options=HULL), by_skimage(labels)
    known = theirs["area_convex"].to_numpy() > 0
    assert known.sum() > 40
    name = "convex_area_px2" if len(shape) == 2 else "convex_volume_px3"
    np.testing.assert_array_equal(ours[name][known], theirs["area_convex"][known])
    np.testing.assert_array_equal(ours["solidity"][known], theirs["solidity"][known])
    assert ours.notna().all(axis=None)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(31, 57), (11, 17, 30)], ids=["2D", "3D"])
def test_hulls_of_scattered_pieces_equal_those_of_scikit_image(
    shape: tuple[int, ...], seed: int
) -> None:
    labels = dust(shape, 8 + 30 * seed, seed)
    ours, theirs = measure(labels, options=HULL), by_skimage(labels)
    assert ours["solidity"].item() == theirs["solidity"].item() < 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(23, 31), (4, 6, 9)], ids=["2D", "3D"])
def test_feret_diameters_are_those_found_by_trying_everything(
    shape: tuple[int, ...], seed: int
) -> None:
    labels = dust(shape, 3 + 3 * seed, seed)
    spacing = SPACINGS[len(shape)]
    row = measure(labels, spacing=spacing, unit="um", options=HULL).iloc[0]
    points = midpoints(labels > 0, spacing)
    assert row["feret_max_um"] == pytest.approx(pdist(points).max(), rel=1e-12)
    assert row["feret_min_um"] == pytest.approx(narrowest(points), rel=1e-9)


def test_a_box_is_its_own_hull() -> None:
    labels = np.zeros((9, 14, 20), np.uint8)
    labels[2:5, 4:11, 6:19] = 1
    row = measure(labels, spacing=(2, 1, 0.5), unit="um", options=HULL).iloc[0]
    assert row["convex_volume_um3"] == 3 * 7 * 13
    assert row["solidity"] == 1
    assert row["feret_min_um"] == 6
    # From the midpoint of a corner voxel's face to that of the opposite corner's.
    assert row["feret_max_um"] == pytest.approx(np.linalg.norm([2 * 3, 6, 0.5 * 12]))


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_single_voxel_has_the_hull_of_its_faces_midpoints(ndim: int) -> None:
    row = measure(np.pad(np.full((1,) * ndim, 4), 1), spacing=(3,) * ndim, unit="um", options=HULL)
    assert row.filter(like="convex_").iloc[0].item() == 3**ndim
    assert row["solidity"].item() == 1
    assert row["feret_max_um"].item() == 3
    assert row["feret_min_um"].item() == pytest.approx(3 / ndim**0.5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_object_has_the_hull_that_it_has_in_its_plane(axis: int) -> None:
    plane = blobs((40, 50))
    flat = measure(plane, options=HULL)
    thin = measure(np.expand_dims(plane, axis), options=HULL)
    np.testing.assert_array_equal(thin["convex_volume_px3"], flat["convex_area_px2"])
    np.testing.assert_array_equal(thin["solidity"], flat["solidity"])
    np.testing.assert_allclose(thin["feret_max_px"], flat["feret_max_px"], rtol=1e-12)
    # From that of the octahedron around one voxel to the whole thickness.
    assert thin["feret_min_px"].between(3**-0.5 - 1e-12, 1 + 1e-12).all()
    assert thin["feret_min_px"].nunique() > 1


def test_feret_diameters_of_flat_objects_are_those_of_brute_force() -> None:
    plane = blobs((40, 50))
    for axis in range(3):
        labels = np.expand_dims(plane, axis)
        table = measure(labels, spacing=SPACINGS[3], unit="um", options=HULL)
        for number in range(1, plane.max() + 1, 4):
            points = midpoints(labels == number, SPACINGS[3])
            row = table.iloc[number - 1]
            assert row["feret_max_um"] == pytest.approx(pdist(points).max(), rel=1e-12)
            assert row["feret_min_um"] == pytest.approx(narrowest(points), rel=1e-9)


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_disc_and_a_ball_are_as_long_and_as_wide_as_their_diameter(ndim: int) -> None:
    places = np.indices((47,) * ndim) - 23
    row = measure((places**2).sum(axis=0) <= 22**2, options=HULL).iloc[0]
    assert row["feret_max_px"] == pytest.approx(45)
    assert row["feret_min_px"] == pytest.approx(44, abs=0.5)
    assert 0.95 < row["solidity"] < 1


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_hulls_do_not_depend_on_place_ids_or_batches(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = blobs(shape)
    expected = measure(labels, options=HULL).drop(columns="label")
    monkeypatch.setattr(row_extents, "MAX_ROWS", 30)
    moved = np.pad(labels.astype(np.int64) * 1000, [(3, 0)] * len(shape))
    table = measure(moved, options=HULL)
    assert table["label"].tolist() == [1000 * i for i in range(1, len(expected) + 1)]
    pd.testing.assert_frame_equal(table.drop(columns="label"), expected, rtol=1e-12)


def test_a_disconnected_object_has_one_hull() -> None:
    labels = np.zeros((5, 30), np.uint8)
    labels[1:4, 2:5] = labels[1:4, 22:25] = 9
    row = measure(labels, options=HULL).iloc[0]
    assert row["convex_area_px2"] == 3 * 23
    assert row["feret_min_px"] == 3


def test_an_object_that_fills_the_stack_is_counted_completely() -> None:
    row = measure(np.full((40, 130, 150), 2, np.uint8), options=HULL).iloc[0]
    assert row["convex_volume_px3"] == 40 * 130 * 150
    assert row["feret_min_px"] == 40


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (0, 4), (0, 4, 5)])
def test_without_objects_columns_are_empty(shape: tuple[int, ...]) -> None:
    table = measure(np.zeros(shape, np.uint16), options=HULL)
    assert len(table) == 0
    assert list(table.columns)[2:] == ["solidity", "feret_max_px", "feret_min_px"]
