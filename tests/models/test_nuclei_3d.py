"""The shipped 3D model: it finds nuclei of stacks, of any size and anisotropy, and no noise."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import napari_tally
from napari_tally import Volume
from napari_tally.metrics.match import match
from napari_tally.models.bundle import load_model
from napari_tally.simulate.nuclei import NucleiField


@pytest.fixture(scope="module")
def model():
    return load_model("nuclei-3d")


def field(coarse: float = 1.0, diameter_px: float = 15.0) -> tuple[Volume, np.ndarray]:
    spacing = (0.5 * coarse, 0.5, 0.5)
    side = round(4.5 * diameter_px)
    drawn = NucleiField(
        shape=(round(3.5 * diameter_px / coarse), side, side),
        spacing_um=spacing,
        diameter_um=0.5 * diameter_px,
        count=30,
        haze=0.2,
        photons=100,
        brightness_spread=0.15,
        seed=3,
    )
    image, labels = drawn.draw()
    return Volume(image, "ZYX", spacing, "um", name="stack"), labels


@pytest.mark.parametrize("coarse", [1.0, 2.0, 4.0])
def test_nuclei_are_found_at_any_distance_between_slices(model, coarse) -> None:
    volume, ground_truth = field(coarse)
    result = napari_tally.segment(volume, model)
    assert match(result.labels, ground_truth, [0.5])[0].ap > 0.6
    assert result.volume.spacing == volume.spacing
    assert "volume_um3" in result.table


def test_large_nuclei_are_recognised_and_labelled_on_the_image_grid(model) -> None:
    volume, ground_truth = field(diameter_px=34)
    result = napari_tally.segment(volume, model)
    assert result.scale < 0.75
    assert match(result.labels, ground_truth, [0.5])[0].ap > 0.6


def test_a_given_size_is_not_estimated(model) -> None:
    volume, _ = field()
    result = napari_tally.segment(volume, model, object_size="7.5um")
    assert "estimate the object size" not in result.seconds
    assert result.scale == 1


def test_noise_gives_a_warning(model) -> None:
    image = np.random.default_rng(0).poisson(3, (40, 64, 64))
    result = napari_tally.segment(image, model, axes="ZYX")
    assert result.count == 0
    assert any("Low confidence" in note for note in result.notes)


def test_a_plane_is_refused_in_a_sentence(model) -> None:
    with pytest.raises(napari_tally.core.errors.InputError, match="takes stacks"):
        napari_tally.segment(np.ones((64, 64), np.uint8), model)


@pytest.mark.parametrize(
    ("name", "coarse", "min_ap"), [("worm", 2.0, 0.75), ("embryo8", 2.18, 0.85)]
)
def test_real_stacks_score_as_the_card_says(model, shared_data, name, coarse, min_ap) -> None:
    image, ground_truth = (
        tifffile.imread(shared_data / "nuclei-3d" / f"{name}_{kind}.tif")
        for kind in ("image", "labels")
    )
    result = napari_tally.segment(image, model, axes="ZYX", spacing=(coarse, 1, 1))
    assert match(result.labels, ground_truth, [0.5])[0].ap > min_ap
    assert not any("Low confidence" in note for note in result.notes)
