"""The shipped `hippocampus-mr`: it finds the hippocampus in any orientation of the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import napari_tally
from napari_tally import Volume
from napari_tally.geometry.orientation import reoriented
from napari_tally.heads.validation_score import dice_per_class
from napari_tally.models.bundle import load_model
from napari_tally.simulate.phantom import CLASSES, BrainPhantom


@pytest.fixture(scope="module")
def model():
    return load_model("hippocampus-mr")


def drawn(**options) -> tuple[Volume, np.ndarray]:
    phantom = BrainPhantom(**options)
    image, classes = phantom.draw()
    return Volume(image, "ZYX", phantom.spacing_mm, "mm", phantom.affine), classes


def test_it_describes_its_input(model) -> None:
    assert model.info.head.classes == CLASSES
    assert (model.info.preprocessing.spacing, model.info.preprocessing.spacing_unit) == (
        (1, 1, 1),
        "mm",
    )
    assert model.info.preprocessing.orientation == "RAS"
    assert model.info.licence == "CC-BY-SA-4.0"
    assert len(model.info.colors) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"side": "right"},
        {"side": "left"},
        {"shape": (72, 104, 72), "spacing_mm": (0.5, 0.5, 0.5)},
        {"level": 200_000},
    ],
)
def test_it_segments_the_phantom(model, options) -> None:
    volume, ground_truth = drawn(seed=1, **options)
    result = napari_tally.segment(volume, model, separate=True)
    assert dice_per_class([result.classes.array], [ground_truth], 2).min() > 0.6
    assert {"anterior", "posterior"} <= set(result.table["class_name"])


def test_the_orientation_of_the_file_changes_nothing(model) -> None:
    volume, _ = drawn()
    expected = napari_tally.segment(volume, model).classes
    for codes in ("LPS", "PIR", "SAL"):
        found = napari_tally.segment(reoriented(volume, codes), model).classes
        assert np.array_equal(reoriented(found, "RAS").array, expected.array)


def test_left_and_right_are_treated_alike(model) -> None:
    volume, _ = drawn(seed=2)
    found = np.asarray(napari_tally.segment(volume, model).classes.array)
    mirrored = replace(volume, array=np.ascontiguousarray(np.asarray(volume.array)[..., ::-1]))
    other = np.asarray(napari_tally.segment(mirrored, model).classes.array)
    assert dice_per_class([other[..., ::-1]], [found], 2).min() > 0.85
    assert np.count_nonzero(found) > 500


@pytest.mark.parametrize("name", ["hippocampus_014.nii.gz", "hippocampus_024.nii.gz"])
def test_it_segments_real_volumes(model, shared_data, name) -> None:
    folder = shared_data / "hippocampus-mr"
    result = napari_tally.segment(folder / "images" / name, model)
    ground_truth = np.asarray(napari_tally.read(folder / "labels" / name).array)
    assert dice_per_class([np.asarray(result.classes.array)], [ground_truth], 2).min() > 0.8
    assert sum(result.seconds.values()) < 10  # 0.1 s where nothing else runs
