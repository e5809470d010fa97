"""Contacts, gaps and density against brute force, and against shapes that are known."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from skimage.measure import label

from napari_tally.features.declare.options import Measurements
from napari_tally.features.kernels import contacts, nearest_gaps
from napari_tally.features.measure import measure

NEIGHBOURS = Measurements(groups=("neighbours",))
SURFACE = Measurements(groups=("surface",))
SPACINGS = {2: (0.7, 0.3), 3: (2.0, 0.7, 0.3)}
SHAPES = [(40, 50), (9, 20, 31)]


def neighbours(labels: np.ndarray, spacing: tuple[float, ...] | None = None) -> pd.DataFrame:
    """Return the group's columns; whatever numpy warns of is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return measure(labels, spacing=spacing, unit=spacing and "um", options=NEIGHBOURS)


def crowd(shape: tuple[int, ...], share: float, seed: int = 0) -> np.ndarray:
    """Return objects of all sizes, some of which touch, one disconnected, ids with gaps."""
    random = np.random.default_rng(seed)
    coarse = random.random(tuple(-(-n // 3) for n in shape)) < share
    mask = np.kron(coarse, np.ones((3,) * len(shape), bool))[tuple(map(slice, shape))]
    labels = label(mask ^ (random.random(shape) < 0.02), connectivity=1)
    labels[labels % 9 == 4] = 5
    return labels * 3


def by_brute_force(labels: np.ndarray, spacing: tuple[float, ...]) -> pd.DataFrame:
    """Return gaps and touching neighbours from all voxels to all voxels."""
    ids = np.unique(labels[labels > 0])
    voxels = [np.argwhere(labels == i) for i in ids]
    gap = np.full((len(ids), len(ids)), np.inf)
    for i, a in enumerate(voxels):
        for j, b in enumerate(voxels):
            if i != j:
                apart = np.maximum(np.abs(a[:, None] - b) - 1, 0) * spacing
                gap[i, j] = np.sqrt((apart**2).sum(axis=2).min())
    return pd.DataFrame(
        {
            "touching_neighbours": (gap == 0).sum(axis=1),
            "nearest_neighbour": ids[gap.argmin(axis=1)],
            "nearest_neighbour_distance_um": gap.min(axis=1),
        }
    )


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
def test_neighbours_equal_those_of_brute_force(shape: tuple[int, ...], share: float) -> None:
    labels, spacing = crowd(shape, share), SPACINGS[len(shape)]
    expected = by_brute_force(labels, spacing)
    ours = neighbours(labels, spacing)[expected.columns]
    pd.testing.assert_frame_equal(ours, expected, check_dtype=False, rtol=1e-12)


def test_the_scenes_of_these_tests_have_touching_and_free_objects() -> None:
    tables = [neighbours(crowd(shape, 0.2)) for shape in SHAPES]
    for table in tables:
        assert 0.1 < (table["touching_neighbours"] > 0).mean() < 0.9


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@pytest.mark.parametrize("slabs", [1, 2, 7, 64])
def test_columns_do_not_depend_on_the_number_of_slabs(
    shape: tuple[int, ...], slabs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = crowd(shape, 0.2)
    expected = neighbours(labels)
    for module in (contacts, nearest_gaps):
        monkeypatch.setattr(module, "slab_count", lambda *_: slabs)
    pd.testing.assert_frame_equal(neighbours(labels), expected)


def test_any_number_of_pairs_is_found() -> None:
    columns = np.arange(1, 401)
    labels = np.stack([columns, np.full(400, 500), columns[::-1]])  # one object touches all
    table = neighbours(labels)
    assert table["touching_neighbours"].iloc[-1] == 400
    scattered = np.random.default_rng(0).integers(1, 30, (20, 20, 20))  # each touches each
    assert (neighbours(scattered)["touching_neighbours"] == 28).all()


def surface(mask: np.ndarray, spacing: tuple[float, ...]) -> float:
    table = measure(mask.astype(int), spacing=spacing, unit="um", options=SURFACE)
    return table.iloc[0, 1] if len(table) else 0.0


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_contact_is_the_border_lost_when_objects_are_merged(shape: tuple[int, ...]) -> None:
    labels, spacing = crowd(shape, 0.6), SPACINGS[len(shape)]
    table = neighbours(labels, spacing)
    contact = table.filter(like="contact_").iloc[:, 0]
    union = surface(labels > 0, spacing)
    assert (contact > 0).any()
    for number, value in zip(table["label"][:10], contact, strict=False):
        others = (labels > 0) & (labels != number)
        merged = surface(labels == number, spacing) + surface(others, spacing) - union
        assert value == pytest.approx(merged / 2, abs=1e-9)


@pytest.mark.parametrize("ndim", [2, 3])
def test_an_object_within_another_has_no_free_border(ndim: int) -> None:
    labels = np.full((7,) * ndim, 2)
    labels[(slice(2, 5),) * ndim] = 1
    labels[(3,) * ndim] = 4
    contact = neighbours(labels).filter(like="contact_").iloc[:, 0]
    inner, core = surface(labels == 4, (1,) * ndim), surface(labels == 1, (1,) * ndim)
    assert contact[2] == pytest.approx(inner)
    assert contact[0] == pytest.approx(core)


def test_halves_of_a_ball_share_the_area_of_its_disc() -> None:
    places = np.indices((45, 45, 45)) - 22
    normal = np.array([0.48, 0.6, 0.64])
    halves = np.where(np.tensordot(normal, places, 1) > 0.1, 1, 2)
    table = neighbours(np.where((places**2).sum(axis=0) <= 20**2, halves, 0))
    assert table["contact_area_px2"].tolist() == pytest.approx([np.pi * 20**2] * 2, rel=0.03)


def test_a_diagonal_cut_has_its_length() -> None:
    y, x = np.indices((60, 60))
    table = neighbours(np.where(x > y, 1, 2), (0.5, 0.5))
    assert table["contact_length_um"].tolist() == pytest.approx([30 * 2**0.5] * 2, rel=0.08)


@pytest.mark.parametrize(
    ("offset", "gap", "touching"),
    [
        ((0, 0, 1), 0, 1),
        ((1, 1, 0), 0, 1),
        ((1, 1, 1), 0, 1),
        ((0, 0, 2), 0.3, 0),
        ((2, 0, 0), 2, 0),
        ((3, 1, 0), 4, 0),
        ((0, 4, 5), (2.1**2 + 1.2**2) ** 0.5, 0),
    ],
)
def test_a_gap_is_from_box_to_box(offset: tuple[int, ...], gap: float, touching: int) -> None:
    labels = np.zeros((4, 5, 6), int)
    labels[0, 0, 0], labels[offset] = 1, 2
    table = neighbours(labels, (2, 0.7, 0.3))
    assert table["nearest_neighbour_distance_um"].tolist() == pytest.approx([gap] * 2)
    assert table["touching_neighbours"].tolist() == [touching] * 2
    centres = np.linalg.norm(np.array(offset) * (2, 0.7, 0.3))
    assert table["nearest_centroid_distance_um"].tolist() == pytest.approx([centres] * 2)
    assert (table["contact_area_um2"] > 0).all() == bool(touching)


def test_of_several_nearest_objects_the_lowest_original_id_is_reported() -> None:
    line = np.zeros((1, 15), np.uint64)
    line[0, [0, 3, 4, 7, 14]] = 50, 7, 9, 2**63, 8
    table = neighbours(line)
    assert table["label"].tolist() == [7, 8, 9, 50, 2**63]
    assert table["nearest_neighbour"].tolist() == [9, 2**63, 7, 7, 9]
    assert table["nearest_neighbour_distance_px"].tolist() == [0, 6, 0, 2, 2]
    middle = np.array([[4, 0, 0, 9, 0, 0, 2]])
    assert neighbours(middle)["nearest_neighbour"].tolist() == [9, 9, 2]


def test_interlocked_objects_are_measured_between_their_teeth() -> None:
    labels = np.zeros((40, 41), int)
    labels[0], labels[:34, ::8] = 1, 1  # a comb from above, with teeth down
    labels[39, 4:37], labels[5:, 4::8] = 2, 2  # and one from below
    assert neighbours(labels)["nearest_neighbour_distance_px"].tolist() == [3, 3]


@pytest.mark.parametrize("ndim", [2, 3])
def test_density_is_unbiased_for_random_objects(ndim: int) -> None:
    side, n = {2: (600, 900), 3: (90, 1500)}[ndim]
    labels = np.zeros((side,) * ndim, int)
    random = np.random.default_rng(0)
    labels.ravel()[random.choice(labels.size, n, replace=False)] = np.arange(1, n + 1)
    table = measure(labels, options=Measurements(groups=("place", "neighbours")))
    centroid = table.filter(regex="^centroid_[zyx]_px").to_numpy()
    within = ((centroid > side / 5) & (centroid < side * 4 / 5)).all(axis=1)
    density = table[f"local_density_per_px{ndim}"]
    assert density[within].mean() == pytest.approx(n / labels.size, rel=0.1)
    fifth = np.sort(cdist(centroid, centroid), axis=1)[:, 5]
    ball = (np.pi if ndim == 2 else 4 / 3 * np.pi) * fifth**ndim
    np.testing.assert_allclose(density, 4 / ball)


def test_few_objects_have_nan_where_undefined() -> None:
    line = np.zeros((1, 30), int)
    line[0, [0, 10, 29]] = 1, 2, 3
    one, two, three = (neighbours(np.where(line <= n, line, 0)) for n in (1, 2, 3))
    assert one["nearest_neighbour"].tolist() == [0]
    assert one["touching_neighbours"].tolist() == [0]
    assert one["contact_length_px"].tolist() == [0]
    assert one.filter(regex="distance|density").isna().all(axis=None)
    assert two["nearest_centroid_distance_px"].tolist() == [10, 10]
    assert two["local_density_per_px2"].isna().all()
    radii = np.array([29, 19, 29])
    assert three["local_density_per_px2"].tolist() == pytest.approx(1 / (np.pi * radii**2))


def test_one_object_that_fills_the_image_has_no_neighbours() -> None:
    table = neighbours(np.ones((3, 4, 5), int))
    assert table["nearest_neighbour"].tolist() == [0]
    assert table["nearest_neighbour_distance_px"].isna().all()


def test_objects_of_one_centre_are_at_distance_0() -> None:
    labels = np.zeros((9, 9), int)
    labels[0], labels[-1], labels[:, 0], labels[:, -1], labels[4, 4] = 1, 1, 1, 1, 2
    table = neighbours(labels)
    assert table["nearest_centroid_distance_px"].tolist() == [0, 0]
    assert table["nearest_neighbour_distance_px"].tolist() == [3, 3]


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (0, 4), (3, 0, 4)])
def test_tables_without_objects_have_all_columns(shape: tuple[int, ...]) -> None:
    full = neighbours(np.ones([max(n, 1) for n in shape], int))
    empty = neighbours(np.zeros(shape, int))
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert (empty.dtypes == full.dtypes).all()
