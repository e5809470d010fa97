"""Diameters in a slice: of known shapes, and against trying everything."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from napari_tally.features.declare.options import Measurements
from napari_tally.features.measure import measure

DIAMETERS = Measurements(groups=("diameters",))
SPACING = (5.0, 0.7, 0.4)


def midpoints(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Return the midpoints of all edges of an object's pixels."""
    offsets = np.array([(0, 0.5), (0, -0.5), (0.5, 0), (-0.5, 0)])
    return (np.argwhere(mask)[:, None] + offsets).reshape(-1, 2) * spacing


def longest_pair(points: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the largest distance of two points, and the unit vector between them."""
    distances = squareform(pdist(points))
    i, j = np.unravel_index(distances.argmax(), distances.shape)
    return distances[i, j], (points[i] - points[j]) / distances[i, j]


def longest_chord(points: np.ndarray, along: np.ndarray) -> float:
    """Return the longest chord across a direction, by looking at very many places."""
    equations, reach = ConvexHull(points).equations, points @ along
    rise, across = equations[:, :2] @ along, equations[:, :2] @ (along[1], -along[0])
    places = np.linspace(reach.min(), reach.max(), 20_001)[1:-1]
    bounds = (-equations[:, 2] - np.multiply.outer(places, rise)) / across
    up = np.where(across > 1e-12, bounds, np.inf).min(axis=1)
    down = np.where(across < -1e-12, bounds, -np.inf).max(axis=1)
    return float((up - down).max())


def lesion(seed: int) -> np.ndarray:
    """Return one irregular object in a stack."""
    random = np.random.default_rng(seed)
    labels = np.zeros((6, 25, 30), np.uint8)
    for z, n in enumerate(random.permutation([3, 5, 0, 12, 20])):
        places = random.normal((12, 15), (3, 4), (n, 2)).astype(int)
        labels[z, places[:, 0].clip(0, 24), places[:, 1].clip(0, 29)] = 5
    return labels


@pytest.mark.parametrize("seed", range(6))
def test_diameters_are_those_found_by_trying_everything(seed: int) -> None:
    labels = lesion(seed)
    row = measure(labels, spacing=SPACING, unit="mm", options=DIAMETERS).iloc[0]
    points = [midpoints(plane > 0, SPACING[1:]) for plane in labels]
    lengths = [pdist(p).max() if len(p) else 0 for p in points]
    assert row["diameter_slice_px"] == np.argmax(lengths)
    length, along = longest_pair(points[np.argmax(lengths)])
    assert row["diameter_in_plane_mm"] == pytest.approx(length, rel=1e-12)
    chord = longest_chord(points[np.argmax(lengths)], along)
    assert row["diameter_perpendicular_mm"] == pytest.approx(chord, rel=1e-3)
    assert row["diameter_perpendicular_mm"] >= chord - 1e-9


def ellipse(shape: tuple[int, int], half: tuple[float, float], angle: float) -> np.ndarray:
    """Return the mask of an ellipse with half axes in the unit of pixels, turned in degrees."""
    y, x = np.indices(shape) - (np.array(shape) // 2).reshape(2, 1, 1)
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return ((c * x + s * y) / half[0]) ** 2 + ((c * y - s * x) / half[1]) ** 2 <= 1


@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90])
def test_diameters_of_an_ellipse_are_its_axes(angle: float) -> None:
    table = measure(ellipse((81, 81), (35, 14), angle), options=DIAMETERS)
    assert list(table.columns) == ["label", "diameter_in_plane_px", "diameter_perpendicular_px"]
    assert table["diameter_in_plane_px"].item() == pytest.approx(70, abs=1)
    assert table["diameter_perpendicular_px"].item() == pytest.approx(28, abs=1)


def test_the_slice_is_that_of_the_largest_section() -> None:
    labels = np.zeros((9, 41, 41), np.uint16)
    for z, radius in [(2, 6), (3, 15), (4, 9), (7, 18)]:
        labels[z][ellipse((41, 41), (radius, radius), 0)] = 40
    labels[7][labels[7] > 0] = 300
    table = measure(labels, spacing=(3, 0.5, 0.5), unit="mm", options=DIAMETERS)
    assert table["label"].tolist() == [40, 300]
    assert table["diameter_slice_px"].tolist() == [3, 7]
    assert table["diameter_in_plane_mm"].tolist() == pytest.approx([15.5, 18.5])
    assert table["diameter_perpendicular_mm"].tolist() == pytest.approx([15.5, 18.5])


def test_of_slices_with_the_same_diameter_the_first_counts() -> None:
    labels = np.zeros((6, 12, 12), np.uint8)
    labels[2:5, 3:9, 3:9] = 1
    assert measure(labels, options=DIAMETERS)["diameter_slice_px"].item() == 2


def test_a_single_voxel_is_as_long_as_its_sides() -> None:
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[0, 2, 1] = 7
    row = measure(labels, spacing=SPACING, unit="mm", options=DIAMETERS).iloc[0]
    assert row["diameter_in_plane_mm"] == pytest.approx(0.7)
    assert row["diameter_perpendicular_mm"] == pytest.approx(0.4)
    assert row["diameter_slice_px"] == 0


def test_a_line_is_as_long_as_its_voxels_and_one_wide() -> None:
    labels = np.zeros((3, 4, 12), np.uint8)
    labels[1, 2, :] = 7
    row = measure(labels, spacing=(2, 2, 0.5), unit="mm", options=DIAMETERS).iloc[0]
    assert row["diameter_in_plane_mm"] == pytest.approx(6)
    assert row["diameter_perpendicular_mm"] == pytest.approx(2)


def test_an_object_that_stands_upright_has_the_diameter_of_its_section() -> None:
    labels = np.zeros((12, 3, 3), np.uint8)
    labels[:, 1, 1] = 1
    assert measure(labels, options=DIAMETERS)["diameter_in_plane_px"].item() == 1


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (0, 4)])
def test_without_objects_columns_are_empty(shape: tuple[int, ...]) -> None:
    table = measure(np.zeros(shape, np.uint16), options=DIAMETERS)
    assert len(table) == 0
    assert len(table.columns) == len(shape) + 1
    if len(shape) == 3:
        assert table["diameter_slice_px"].dtype == np.int64
