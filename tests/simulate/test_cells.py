"""Simulated cells: every kind of shape, layout and appearance, with exact ground truth."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from skimage.measure import label

from napari_tally.simulate.camera import Camera, compressed
from napari_tally.simulate.cell_clutter import CellClutter
from napari_tally.simulate.cell_layout import Epithelium, Scattered
from napari_tally.simulate.cell_shapes import Kind, draw_shape
from napari_tally.simulate.cells import APPEARANCES, CellField

KINDS = get_args(Kind)
CLEAN = Camera(blur=0.5, photons=0, read_noise=0)
ROUND = Scattered(spread=0.1, coverage=0.25, clustered=0)


def areas(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels.ravel())[1:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diameter", [6.0, 30.0, 150.0])
def test_shapes_have_about_the_area_of_their_diameter(kind: Kind, diameter: float) -> None:
    rng = np.random.default_rng(0)
    shapes = [draw_shape(kind, diameter, 1.5, 0.1, rng) for _ in range(12)]
    found = np.median([np.median(areas(s)) for s in shapes])
    assert 0.4 < found / (np.pi / 4 * diameter**2) < 1.8


@pytest.mark.parametrize(
    ("kind", "most"), [("chain", 6), ("pair", 2), ("dividing", 2), ("blob", 1)]
)
def test_chains_and_pairs_have_a_cell_each(kind: Kind, most: int) -> None:
    rng = np.random.default_rng(1)
    counts = {int(draw_shape(kind, 30, 1.2, 0.1, rng).max()) for _ in range(20)}
    assert max(counts) == most
    assert min(counts) == min(most, 2)


def test_spindles_are_five_to_ten_times_as_long_as_wide() -> None:
    rng = np.random.default_rng(2)
    ratios = []
    for _ in range(20):
        inside = np.argwhere(draw_shape("spindle", 30, 4, 0.1, rng)).astype(float)
        along, sizes, _ = np.linalg.svd(inside - inside.mean(0), full_matrices=False)
        length = np.ptp(along[:, 0]) * sizes[0]
        ratios.append(np.pi / 4 * length**2 / len(inside))
    assert 5 < np.median(ratios) < 10


def test_a_hole_is_background() -> None:
    inside = draw_shape("holed", 60, 1, 0, np.random.default_rng(3)) > 0
    assert label(~np.pad(inside, 1), connectivity=1).max() == 2


@pytest.mark.parametrize("appearance", APPEARANCES)
def test_cells_differ_from_their_background(appearance: str) -> None:
    """The border of cells shows, whether they are bright, dark or hollow."""
    field = CellField(layout=ROUND, appearance=appearance, camera=CLEAN, seed=4)
    image, labels = field.draw()
    assert image.shape == labels.shape == (256, 256)
    assert np.isfinite(image).all()
    steep = np.hypot(*np.gradient(image))
    away = np.zeros_like(labels, bool)
    away[2:-2, 2:-2] = True
    border = (labels > 0) & (np.roll(labels, 2, 0) != labels) & away
    far = away & (labels == 0) & (np.roll(labels, 20, 0) == 0) & (np.roll(labels, -20, 0) == 0)
    assert steep[border].mean() > 2 * steep[far].mean()


@pytest.mark.parametrize("layout", [ROUND, Epithelium(), Scattered(grown=0.5, coverage=0.6)])
def test_ground_truth_is_one_consecutive_component_each(layout: Scattered | Epithelium) -> None:
    labels = CellField(layout=layout, seed=5, min_size=30).draw()[1]
    assert sorted(np.unique(labels)) == list(range(int(labels.max()) + 1))
    assert areas(labels).min() >= 30
    for i in range(1, int(labels.max()) + 1):
        assert label(labels == i, connectivity=2).max() == 1


def test_more_than_255_cells_stay_apart() -> None:
    layout = Scattered(diameter=8, spread=0.05, coverage=0.5, clustered=0)
    labels = CellField(shape=(320, 320), layout=layout, seed=6, min_size=1).draw()[1]
    assert labels.max() > 300
    assert areas(labels).max() < 4 * np.median(areas(labels))


def test_an_epithelium_is_confluent_and_of_the_diameter_asked_for() -> None:
    labels = CellField(layout=Epithelium(diameter=24, missing=0), seed=7).draw()[1]
    assert (labels > 0).mean() > 0.98
    assert 18 < np.median(2 * np.sqrt(areas(labels) / np.pi)) < 30


def test_coverage_is_as_asked_for_and_0_gives_an_empty_field() -> None:
    for wanted in (0.1, 0.4):
        layout = Scattered(coverage=wanted, clustered=0, gap=0)
        labels = CellField(layout=layout, seed=8).draw()[1]
        assert wanted - 0.05 < (labels > 0).mean() < wanted + 0.1
    clutter = CellClutter(fibres=10, debris=20, ghosts=2, folds=0.5, texture=0.1)
    empty = CellField(layout=Scattered(coverage=0), clutter=clutter, marks=3, seed=9)
    image, labels = empty.draw()
    assert labels.max() == 0
    assert image.std() > 0


def test_the_same_seed_draws_the_same_field() -> None:
    first, second = (CellField(appearance="DIC", seed=10).draw() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(CellField(appearance="DIC", seed=11).draw()[0], first[0])


def test_a_vignette_darkens_the_corners_and_noise_scatters() -> None:
    light, rng = np.ones((128, 128), np.float32), np.random.default_rng(12)
    light[::4] = 1.2
    dim = Camera(vignette=0.8, photons=0, read_noise=0, blur=0).take(light, rng)
    assert dim[:8, :8].mean() < dim[60:68, 60:68].mean()
    noisy = Camera(photons=20, read_noise=0.1, blur=0).take(light, rng)
    assert np.diff(noisy[::4], axis=1).std() > 0.1


def test_compression_keeps_the_mean_of_blocks() -> None:
    image = np.random.default_rng(13).random((64, 72), np.float32)
    coarse = compressed(image, 0.05)
    assert 0.01 < np.abs(coarse - image).mean() < 0.3
    assert abs(float(coarse.mean() - image.mean())) < 0.01
