"""The brain phantom: images are as requested, and the ground ground_truth matches them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from napari_tally.core.connected_components import components
from napari_tally.core.volume import Volume
from napari_tally.geometry.orientation import orientation_of
from napari_tally.simulate.phantom import CLASSES, BrainPhantom


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    one, again, other = (BrainPhantom(seed=seed).draw() for seed in (3, 3, 4))
    assert np.array_equal(one[0], again[0]) and np.array_equal(one[1], again[1])
    assert not np.array_equal(one[1], other[1])


def test_each_part_is_connected_and_they_touch() -> None:
    for seed in range(5):
        _, classes = BrainPhantom(seed=seed).draw()
        assert set(np.unique(classes)) == {0, *range(1, len(CLASSES) + 1)}
        assert components(classes).max() == len(CLASSES)
        assert components(classes > 0).max() == 1


def test_the_first_class_is_anterior_by_the_affine() -> None:
    phantom = BrainPhantom()
    image, classes = phantom.draw()
    assert orientation_of(phantom.affine) == "RAS"
    volume = Volume(image, "ZYX", phantom.spacing_mm, "mm", phantom.affine)
    front, back = (np.argwhere(classes == i).mean(0) for i in (1, 2))
    place = [(volume.affine @ [*point, 1])[:3] for point in (front, back)]
    assert place[0][1] < place[1][1] - 10  # the second coordinate goes to the back
    middle = (np.array(classes.shape) - 1) / 2
    assert np.allclose(phantom.affine @ [*middle, 1], [0, 0, 0, 1])


def test_left_is_the_mirror_image_of_right() -> None:
    still = {"noise": 0, "bias": 0, "seed": 2}
    right, left = (BrainPhantom(side=side, **still).draw()[1] for side in ("right", "left"))
    assert np.array_equal(right, left[:, :, ::-1])
    assert not np.array_equal(right, left)


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (3.0, 0.8, 0.8), (1.0, 1.0, 2.0)])
def test_the_voxel_hardly_changes_the_volume(spacing) -> None:
    shape = tuple(round(n / s) for n, s in zip((36, 52, 36), spacing, strict=True))
    plain = {"variation": 0, "length_mm": 30}
    _, coarse = BrainPhantom(shape=shape, spacing_mm=spacing, **plain).draw()
    _, ground_truth = BrainPhantom(**plain).draw()
    assert coarse.shape == shape
    for i in (1, 2):
        volume = (coarse == i).sum() * np.prod(spacing)
        assert volume == pytest.approx((ground_truth == i).sum(), rel=0.15)


def test_noise_bias_and_level_are_as_requested() -> None:
    calm, noisy = (BrainPhantom(noise=n, bias=0, level=1000).draw()[0] for n in (0, 0.1))
    assert np.std(noisy - calm) == pytest.approx(100, rel=0.1)
    assert np.percentile(calm, 90) == pytest.approx(1000, rel=0.1)
    uneven = BrainPhantom(noise=0, bias=0.4, level=1000).draw()[0] / calm
    assert uneven.std() > 0.05
    assert abs(np.diff(uneven, axis=0)).max() < 0.05


def test_the_structure_is_darker_than_the_white_matter_below() -> None:
    image, classes = BrainPhantom().draw()
    inside = image[classes > 0].mean()
    assert 0.4 * image.max() < inside < 0.85 * np.percentile(image, 95)


@pytest.mark.parametrize(
    "wrong", [{"shape": (0, 5, 5)}, {"spacing_mm": (1, -1, 1)}, {"spacing_mm": (1, 1, np.nan)}]
)
def test_invalid_options_are_refused(wrong) -> None:
    with pytest.raises(ValidationError, match="must be"):
        BrainPhantom(**wrong)


def test_one_voxel_is_enough() -> None:
    image, classes = BrainPhantom(shape=(1, 1, 1)).draw()
    assert image.shape == classes.shape == (1, 1, 1)
