"""Inscribed radius and thickness: of known shapes, and by brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from skimage.measure import label

from napari_tally.features.declare.options import Measurements
from napari_tally.features.measure import measure

THICKNESS = Measurements(groups=("thickness",))


def radius(labels: np.ndarray, spacing: tuple[float, ...] | None = None) -> float:
    """Return the inscribed radius of the only object."""
    unit = None if spacing is None else "um"
    table = measure(labels, spacing=spacing, unit=unit, options=THICKNESS)
    assert table.iloc[0, 2] == 2 * table.iloc[0, 1]
    return float(table.iloc[:, 1].item())


def blobs(shape: tuple[int, ...]) -> np.ndarray:
    """Return irregular labels of all sizes from one voxel up."""
    random = np.random.default_rng(3)
    coarse = random.random(tuple(-(-n // 6) for n in shape)) < 0.3
    mask = np.kron(coarse, np.ones((6,) * len(shape), bool))[tuple(map(slice, shape))]
    return label(mask ^ (random.random(shape) < 0.03), connectivity=1)


def radius_at(mask: np.ndarray, centre: np.ndarray, spacing: np.ndarray) -> float:
    """Return the distance from a place to the nearest face of any voxel outside."""
    away = np.abs(np.argwhere(~mask) - centre)
    across = np.where(away > 0.5, away * spacing, 0) ** 2
    best = np.inf
    for a in range(mask.ndim):
        there = away[:, a] > 0
        others = np.delete(across, a, axis=1).sum(axis=1)
        straight = ((away[:, a] - 0.5) * spacing[a]) ** 2
        best = min(best, (others + straight)[there].min())
    return float(best**0.5)


def deepest(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return the voxels whose centres are farthest from those outside."""
    outside, inside = np.argwhere(~mask) * spacing, np.argwhere(mask)
    depth = np.array([((outside - place * spacing) ** 2).sum(axis=1).min() for place in inside])
    return inside[np.isclose(depth, depth.max(), rtol=1e-5)]


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.3, 0.8), (1.0, 1.0, 1.0), (2.0, 0.5, 0.7)])
def test_radii_are_those_of_brute_force(spacing: tuple[float, ...]) -> None:
    labels = blobs((40, 50) if len(spacing) == 2 else (14, 22, 25))
    found = measure(labels, spacing=spacing, unit="um", options=THICKNESS)["inscribed_radius_um"]
    steps = np.array(list(product((0, -0.5, 0.5), repeat=len(spacing))))
    for number in range(1, len(found) + 1, 2):
        mask = np.pad(labels == number, 1)
        radii = [
            max(radius_at(mask, place + step, np.array(spacing)) for step in steps)
            for place in deepest(mask, np.array(spacing))
        ]
        assert np.isclose(found[number - 1], radii, rtol=1e-9).any()


@pytest.mark.parametrize("r", [1, 2.5, 6, 9.3, 14])
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(("middle", "within"), [(0.0, 0.5), (0.5, 0.5), (0.2, 0.75)])
def test_a_disc_and_a_ball_have_their_radius_within_half_a_voxel(
    r: float, ndim: int, middle: float, within: float
) -> None:
    # A quarter more where the middle is neither in a voxel's centre nor halfway to the next.
    places = np.indices((33,) * ndim) - 16 - middle
    mask = (places**2).sum(axis=0) <= r**2
    assert radius(mask) == pytest.approx(r, abs=within)


@pytest.mark.parametrize("spacing", [(2.0, 0.5, 0.5), (0.25, 1.0, 0.5)])
def test_a_ball_keeps_its_radius_with_anisotropic_voxels(
    spacing: tuple[float, float, float],
) -> None:
    shape = [int(24 / s) | 1 for s in spacing]
    places = [(np.arange(n) - n // 2) * s for n, s in zip(shape, spacing, strict=True)]
    z, y, x = np.meshgrid(*places, indexing="ij")
    mask = z**2 + y**2 + x**2 <= 10**2
    assert radius(mask, spacing) == pytest.approx(10, abs=max(spacing) / 2)


@pytest.mark.parametrize("thickness", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slab_is_as_thick_as_its_voxels(thickness: int, axis: int) -> None:
    spacing = (2.0, 0.5, 0.7)
    labels = np.zeros((70, 70, 70), np.uint8)
    cut: list[slice] = [slice(5, 65)] * 3
    cut[axis] = slice(20, 20 + thickness)
    labels[tuple(cut)] = 1
    assert 2 * radius(labels, spacing) == pytest.approx(thickness * spacing[axis])


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_a_bar_is_as_thick_as_its_width(width: int) -> None:
    labels = np.zeros((20, 60), np.uint8)
    labels[3 : 3 + width, 5:55] = 1
    assert 2 * radius(labels) == pytest.approx(width)
    assert 2 * radius(labels[:, None]) == pytest.approx(min(width, 1))


@pytest.mark.parametrize("spacing", [(0.5, 2.0), (2.0, 0.5), (3.0, 0.5, 0.7)])
def test_a_single_voxel_holds_a_ball_of_its_shortest_side(spacing: tuple[float, ...]) -> None:
    assert radius(np.pad(np.full((1,) * len(spacing), 3), 1), spacing) == 0.25


def test_what_is_flat_is_half_a_voxel_thick_to_either_side() -> None:
    labels = np.zeros((5, 30, 30), np.uint8)
    labels[2, 5:25, 5:25] = 1
    assert radius(labels, (0.8, 0.5, 0.5)) == pytest.approx(0.4)
    assert radius(labels[2], (0.5, 0.5)) == pytest.approx(5)


def test_an_object_that_fills_the_image_ends_where_the_image_ends() -> None:
    assert radius(np.full((40, 130, 151), 1, np.uint8)) == 20
    assert radius(np.full((31, 60), 1, np.uint8)) == 15.5


def test_objects_that_touch_bound_each_other() -> None:
    labels = np.zeros((30, 40), np.int64)
    labels[5:25, 5:12] = 20
    labels[5:25, 12:35] = 5
    table = measure(labels, options=THICKNESS)
    assert table["label"].tolist() == [5, 20]
    assert table["thickness_max_px"].tolist() == pytest.approx([20, 7])


def test_of_two_components_the_thicker_one_counts() -> None:
    labels = np.zeros((20, 40), np.uint8)
    labels[2:5, 2:10] = labels[4:17, 20:35] = 3
    assert radius(labels) == 6.5


def test_radii_do_not_depend_on_place() -> None:
    labels = blobs((20, 30, 30))
    expected = measure(np.pad(labels, 1), options=THICKNESS)
    moved = np.pad(labels, [(4, 1), (7, 2), (3, 9)])
    pd.testing.assert_frame_equal(measure(moved, options=THICKNESS), expected)
    pd.testing.assert_frame_equal(measure(labels, options=THICKNESS), expected)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (0, 4), (0, 4, 5)])
def test_without_objects_columns_are_empty(shape: tuple[int, ...]) -> None:
    table = measure(np.zeros(shape, np.uint16), options=THICKNESS)
    assert len(table) == 0
    assert list(table.columns) == ["label", "inscribed_radius_px", "thickness_max_px"]
