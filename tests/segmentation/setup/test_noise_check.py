"""Noise gives a low-confidence warning; nuclei do not."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei
from scipy.ndimage import gaussian_filter

import napari_tally
from napari_tally.models.bundle import load_model
from napari_tally.segmentation.setup.noise_check import NoiseCheck
from napari_tally.simulate.nuclei import NucleiField


@pytest.fixture(scope="module")
def model():
    return load_model("nuclei-2d")


def warnings(result) -> list[str]:
    return [note for note in result.notes if "Low confidence" in note]


def noise(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(0)
    if kind == "photons":
        return rng.poisson(3, shape).astype(np.float32)
    return gaussian_filter(rng.normal(size=shape), float(kind)).astype(np.float32)


@pytest.mark.parametrize("kind", ["photons", "1", "3"])
def test_noise_in_a_plane_gives_a_warning(model, kind) -> None:
    (warning,) = warnings(napari_tally.segment(noise(kind, (200, 200)), model))
    assert "almost no" in warning if kind == "photons" else "may be noise" in warning


@pytest.mark.parametrize("kind", ["photons", "1", "2"])
def test_noise_in_a_stack_gives_a_warning(model, kind) -> None:
    (warning,) = warnings(napari_tally.segment(noise(kind, (40, 60, 60)), model, axes="ZYX"))
    assert "almost no" in warning if kind == "photons" else "may be noise" in warning


@pytest.mark.parametrize("diameter", [10, 24, 100])
def test_nuclei_of_any_size_give_no_warning(model, diameter) -> None:
    image, _ = nuclei((300, 300), diameter)
    assert not warnings(napari_tally.segment(image, model))


def test_a_stack_of_nuclei_gives_no_warning(model) -> None:
    field = NucleiField(shape=(40, 64, 64), spacing_um=(0.5,) * 3, diameter_um=8, count=20)
    assert not warnings(napari_tally.segment(field.draw()[0], model, axes="ZYX"))


def test_real_images_give_no_warning(model, shared_data) -> None:
    folder = shared_data / "nuclei-2d"
    names = (folder / "split_train.txt").read_text().split()[::40]
    for name in names:
        path = folder / "images" / (name if name.endswith(".tif") else f"{name}.tif")
        assert not warnings(napari_tally.segment(path, model)), name


@pytest.mark.parametrize("name", ["worm", "embryo8"])
def test_real_stacks_give_no_warning(model, shared_data, name) -> None:
    path = shared_data / "nuclei-3d" / f"{name}_image.tif"
    assert not warnings(napari_tally.segment(path, model, axes="ZYX", spacing="2,1,1um"))


def test_a_constant_image_is_empty_without_a_warning(model) -> None:
    assert not warnings(napari_tally.segment(np.full((64, 64), 7), model))


def test_confident_but_too_small_objects_give_a_warning() -> None:
    maps = np.zeros((3, 50, 50), np.float16)
    maps[0] = 1
    maps[:2, 10:40:4, 10:40:4] = np.array([0.02, 0.98]).reshape(2, 1, 1)
    check = NoiseCheck(2)
    check.add(maps)
    assert "below the minimum size" in check.warning("a", "nuclei", 0)
    assert check.warning("a", "nuclei", 3) == ""


def test_a_million_specks_are_handled_quickly_with_a_warning(model) -> None:
    image = np.zeros((1500, 1500), np.float32)
    image[::2, ::2] = 1
    result = napari_tally.segment(image, model, object_size="12px")
    assert result.count > 0 or result.notes


def test_a_model_may_state_its_own_share_of_confident_voxels() -> None:
    background = np.full((1, 40, 40), 0.05)
    background[0, :, :20] = 0.5  # half of the candidates are confident
    maps = np.concatenate([background, 1 - background])
    for least, warns in ((None, True), (0.3, False)):
        check = NoiseCheck(2, least)
        check.add(maps)
        assert bool(check.warning("image", "cells", 3)) is warns
