"""Perimeter, surface and Euler number against scikit-image, and against shapes that are known."""

from __future__ import annotations

import warnings
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ellipe, elliprg
from scipy.stats import special_ortho_group
from skimage.measure import (
    euler_number,
    label,
    marching_cubes,
    mesh_surface_area,
    perimeter_crofton,
)

from napari_tally.features.declare.options import Measurements
from napari_tally.features.kernels import cube_configurations
from napari_tally.features.kernels.crofton_weights import border_weights
from napari_tally.features.kernels.cube_configurations import (
    CLASS_OF,
    CLASSES,
    configuration_counts,
)
from napari_tally.features.kernels.voxel_cubes import BITS, CORNERS
from napari_tally.features.measure import measure

SURFACE = Measurements(groups=("size", "surface"))
POSITIONS = 100


def surfaces(labels: np.ndarray, spacing: tuple[float, ...] | None = None) -> pd.DataFrame:
    """Return the group's columns; whatever numpy warns of is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return measure(labels, spacing=spacing, unit=spacing and "um", options=SURFACE)


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return touching objects with holes, of all sizes from one voxel up, some disconnected."""
    random = np.random.default_rng(seed)
    coarse = random.random(tuple(-(-n // 4) for n in shape)) < 0.4
    mask = np.kron(coarse, np.ones((4,) * len(shape), bool))[tuple(map(slice, shape))]
    labels = label(mask ^ (random.random(shape) < 0.1), connectivity=1)
    labels[labels % 7 == 0] = 3
    return np.unique(labels, return_inverse=True)[1].reshape(shape).astype(np.uint16)


def ellipsoids(
    axes: tuple[float, ...], spacing: tuple[float, ...], *, rotated: bool = False
) -> np.ndarray:
    """Return solid ellipsoids, or ellipses, at random places on the grid, in a row of boxes."""
    random, ndim = np.random.default_rng(0), len(axes)
    turns = (
        special_ortho_group.rvs(ndim, POSITIONS, random) if rotated else [np.eye(ndim)] * POSITIONS
    )
    half = np.ceil((max(axes) if rotated else np.array(axes)) / np.array(spacing)).astype(int) + 1
    grid = np.indices(2 * half + 1).reshape(ndim, -1).T - half
    out = []
    for number, turn in enumerate(turns, start=1):
        places = (grid + random.uniform(-0.5, 0.5, ndim)) * spacing @ turn
        inside = ((places / axes) ** 2).sum(axis=1) <= 1
        out.append(number * inside.reshape(2 * half + 1))
    return np.concatenate(out).astype(np.uint16)


def ellipsoid_area(a: float, b: float, c: float) -> float:
    return 4 * np.pi * elliprg((a * b) ** 2, (a * c) ** 2, (b * c) ** 2)


def ellipse_perimeter(a: float, b: float) -> float:
    return 4 * b * ellipe(1 - (a / b) ** 2)


@pytest.mark.parametrize("spacing", [0.5, 1, 40])
def test_perimeters_equal_those_of_scikit_image(spacing: float) -> None:
    labels = blobs((70, 90))
    ours = surfaces(labels, (spacing, spacing))["perimeter_um"]
    theirs = [spacing * perimeter_crofton(labels == i + 1, 4) for i in range(labels.max())]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("shape", [(70, 90), (17, 40, 50), (1, 40, 50)])
def test_euler_numbers_equal_those_of_scikit_image(shape: tuple[int, ...]) -> None:
    labels = blobs(shape)
    theirs = [euler_number(labels == i + 1) for i in range(labels.max())]
    assert surfaces(labels)["euler_number"].tolist() == theirs
    assert len(set(theirs)) > 3


def counted_one_by_one(labels: np.ndarray) -> np.ndarray:
    """Return the counts of all classes, by cutting out each cell of each object."""
    framed = np.pad(labels, 1)
    cells = np.lib.stride_tricks.sliding_window_view(framed, (2, 2, 2)).reshape(-1, 8)
    out = np.zeros((labels.max(), CLASSES), int)
    for i in range(labels.max()):
        classes = CLASS_OF[(cells == i + 1) @ (1 << np.indices((2, 2, 2)).reshape(3, 8).T @ BITS)]
        out[i] = np.bincount(classes[classes >= 0], minlength=CLASSES)
    return out


@pytest.mark.parametrize("slabs", [1, 2, 7, 64])
def test_counts_do_not_depend_on_the_number_of_slabs(
    slabs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = blobs((9, 20, 31))
    monkeypatch.setattr(cube_configurations, "slab_count", lambda *_: slabs)
    counts = configuration_counts(labels, int(labels.max()))
    np.testing.assert_array_equal(counts[:, :-1], counted_one_by_one(labels))


@pytest.mark.parametrize("cuts", [[], [1], [8], [3, 4, 7], list(range(1, 9))])
def test_counts_of_blocks_add_up_to_those_of_the_whole(cuts: list[int]) -> None:
    labels = blobs((9, 20, 31))
    n = int(labels.max())
    blocks = zip([0, *cuts], [*cuts, 9], strict=True)
    parts = [
        configuration_counts(labels[a:b], n, labels[a - 1] if a else None, last=b == 9)
        for a, b in blocks
    ]
    np.testing.assert_array_equal(sum(parts), configuration_counts(labels, n))


@pytest.mark.parametrize(("radius", "spread"), [(5, 0.01), (8, 0.006), (12, 0.003)])
def test_a_ball_has_its_surface_at_any_position(radius: float, spread: float) -> None:
    area = surfaces(ellipsoids((radius,) * 3, (1, 1, 1)))["surface_area_px2"]
    ratio = area / (4 * np.pi * radius**2)
    assert len(ratio) == POSITIONS
    assert ratio.mean() == pytest.approx(1, abs=0.002)
    assert ratio.std() < spread


@pytest.mark.parametrize("axes", [(5, 5, 10), (5, 8, 12), (4, 12, 12)])
def test_an_ellipsoid_has_its_surface_in_any_orientation(axes: tuple[float, float, float]) -> None:
    table = surfaces(ellipsoids(axes, (1, 1, 1), rotated=True))
    ratio = table["surface_area_px2"] / ellipsoid_area(*axes)
    assert ratio.mean() == pytest.approx(1, abs=0.005)
    assert ratio.std() < 0.02
    true = (36 * np.pi * (4 / 3 * np.pi * np.prod(axes)) ** 2) ** (1 / 3) / ellipsoid_area(*axes)
    assert table["sphericity"].mean() == pytest.approx(true, abs=0.01)


@pytest.mark.parametrize(
    ("spacing", "radius", "spread"),
    [((2, 1, 1), 5, 0.02), ((2, 1, 1), 10, 0.01), ((5, 1, 1), 10, 0.04), ((0.3, 1, 1), 5, 0.02)],
)
def test_a_ball_has_its_surface_on_any_grid(
    spacing: tuple[float, ...], radius: float, spread: float
) -> None:
    area = surfaces(ellipsoids((radius,) * 3, spacing), spacing)["surface_area_um2"]
    ratio = area / (4 * np.pi * radius**2)
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert ratio.std() < spread


@pytest.mark.parametrize("spacing", [(1, 1), (2, 1), (0.25, 1)])
@pytest.mark.parametrize("axes", [(8, 8), (8, 16)])
def test_an_ellipse_has_its_perimeter_on_any_grid(
    axes: tuple[float, float], spacing: tuple[float, float]
) -> None:
    perimeter = surfaces(ellipsoids(axes, spacing, rotated=True), spacing)["perimeter_um"]
    ratio = perimeter / ellipse_perimeter(*axes)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert ratio.std() < 0.03


def test_a_disc_is_round_and_an_ellipse_less_so() -> None:
    assert surfaces(ellipsoids((20, 20), (1, 1)))["circularity"].mean() > 0.98
    narrow = 4 * np.pi * (np.pi * 10 * 30) / ellipse_perimeter(10, 30) ** 2
    circularity = surfaces(ellipsoids((10, 30), (1, 1)))["circularity"]
    assert circularity.mean() == pytest.approx(narrow, abs=0.02)


def test_rotating_image_and_grid_together_changes_nothing() -> None:
    labels, spacing = blobs((9, 20, 31)), (2.0, 0.7, 0.3)
    expected = surfaces(labels, spacing)
    for order in permutations(range(3)):
        rotated = surfaces(labels.transpose(order), tuple(spacing[i] for i in order))
        pd.testing.assert_frame_equal(rotated, expected, rtol=1e-9)
        mirrored = surfaces(labels[::-1, :, ::-1], spacing)
        pd.testing.assert_frame_equal(mirrored, expected, rtol=1e-9)


def flat(mask: int) -> int:
    """Return the set of corners over a set of pixels, of which bit 2y + x is set."""
    return sum(1 << k for k in range(8) if mask >> int(CORNERS[k, 1:] @ (2, 1)) & 1)


@pytest.mark.parametrize("size", [(1.0, 1.0), (2.0, 0.5, 0.5)])
def test_weights_grow_with_the_voxel(size: tuple[float, ...]) -> None:
    larger = border_weights(tuple(10 * s for s in size))
    np.testing.assert_allclose(larger, 10 ** (len(size) - 1) * border_weights(size), rtol=1e-9)
    used = CLASS_OF[[flat(m) for m in (1, 3, 5, 6)]] if len(size) == 2 else slice(None)
    assert (border_weights(size)[used] > 0).all()


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 1, 1), (5, 1, 1)])
def test_a_voxel_is_between_its_ball_and_its_box(spacing: tuple[float, float, float]) -> None:
    row = surfaces(np.pad([[[1]]], 1), spacing).iloc[0]
    a, b, c = spacing
    assert (36 * np.pi * (a * b * c) ** 2) ** (1 / 3) < row["surface_area_um2"]
    assert row["surface_area_um2"] < 2 * (a * b + b * c + a * c)
    assert 0.6 < row["sphericity"] < 1
    assert row["euler_number"] == 1


def test_a_pixel_is_round() -> None:
    row = surfaces(np.pad([[1]], 1)).iloc[0]
    assert row["perimeter_px"] == pytest.approx(np.pi / 2 * (1 + 2**-0.5))
    assert row["circularity"] == 1


def test_a_flat_object_has_two_sides() -> None:
    plate = np.zeros((3, 102, 102), int)
    plate[1, 1:-1, 1:-1] = 1
    for labels in (plate, plate.transpose(1, 2, 0)):
        area = surfaces(labels)["surface_area_px2"].item()
        assert area / (2 * 100**2 + 4 * 100) == pytest.approx(0.925, abs=0.01)


def test_arrays_of_any_order_and_read_only_are_fine() -> None:
    labels = blobs((9, 20, 31))
    expected = surfaces(labels)
    other = np.asfortranarray(labels)
    other.flags.writeable = labels.flags.writeable = False
    pd.testing.assert_frame_equal(surfaces(other), expected)
    pd.testing.assert_frame_equal(surfaces(labels), expected)


def test_the_edge_of_the_image_is_border() -> None:
    for shape in [(12, 13), (6, 12, 13), (1, 12, 13)]:
        labels = blobs(shape)
        pd.testing.assert_frame_equal(surfaces(labels), surfaces(np.pad(labels, 2)))


def test_components_add_up_and_ids_may_have_gaps() -> None:
    labels = np.zeros((10, 12, 14), np.int64)
    labels[:4, 2:6, 1:9] = 7
    labels[9, 9:, 13] = 2**40
    apart = surfaces(labels)
    assert apart["label"].tolist() == [7, 2**40]
    together = surfaces(np.where(labels > 0, 5, 0))
    for column in ("surface_area_px2", "euler_number"):
        assert together[column].item() == pytest.approx(apart[column].sum())


def test_a_shell_a_ring_and_a_ball() -> None:
    ball = np.pad(np.ones((5, 5, 5), int), 1)
    shell, ring = ball.copy(), ball.copy()
    shell[3, 3, 3] = 0
    ring[:, 3, 3] = 0
    assert [surfaces(a)["euler_number"].item() for a in (ball, shell, ring)] == [1, 2, 0]
    whole, hollow = (surfaces(a)["surface_area_px2"].item() for a in (ball, shell))
    voxel = surfaces(np.pad([[[1]]], 1))["surface_area_px2"].item()
    assert hollow == pytest.approx(whole + voxel)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (0, 4), (3, 0, 4)])
def test_tables_without_objects_have_all_columns(shape: tuple[int, ...]) -> None:
    full = surfaces(np.ones([max(n, 1) for n in shape], int))
    empty = surfaces(np.zeros(shape, int))
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert (empty.dtypes == full.dtypes).all()


def test_a_mesh_is_that_of_scikit_image_around_each_object() -> None:
    labels = np.zeros((12, 14, 16), np.uint16)
    labels[0:5, 2:7, 3:9] = 3  # at the image's edge
    labels[5:9, 2:7, 3:9] = 7  # it touches the first
    spacing = (2.0, 0.5, 0.5)
    table = measure(labels, None, spacing, "um", options=Measurements(groups=("mesh",)))
    for number, area in zip(table["label"], table["mesh_area_um2"], strict=True):
        mask = np.pad(labels == number, 1).astype(np.float32)
        vertices, faces, *_ = marching_cubes(mask, 0.5, spacing=spacing)
        assert area == pytest.approx(mesh_surface_area(vertices, faces))
    flat = measure(labels[1], None, options=Measurements(groups=("mesh",)))
    assert "mesh_area_px2" not in flat
