"""An overlay shows the grey image with the outline of each object in its own colour."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.figures.overlay import overlay


def two_touching() -> np.ndarray:
    labels = np.zeros((12, 20), np.uint16)
    labels[2:10, 2:9] = 1
    labels[2:10, 9:16] = 2
    return labels


def coloured(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=-1) > 0


def test_only_outlines_are_coloured() -> None:
    labels = two_touching()
    picture = overlay(np.zeros(labels.shape), labels)
    assert (picture.shape, picture.dtype) == ((*labels.shape, 3), np.uint8)
    inside = np.zeros(labels.shape, bool)
    inside[3:9, 3:8] = inside[3:9, 10:15] = True
    np.testing.assert_array_equal(coloured(picture), (labels > 0) & ~inside)


def test_touching_objects_have_outlines_of_two_colours() -> None:
    picture = overlay(np.zeros((12, 20)), two_touching()).astype(int)
    assert (picture[5, 8] == picture[2, 2]).all()
    assert (picture[5, 9] == picture[2, 12]).all()
    assert np.abs(picture[5, 8] - picture[5, 9]).sum() > 200


def test_successive_ids_have_distinct_colours() -> None:
    labels = np.arange(1, 400, dtype=np.uint32).reshape(1, -1)
    colours = overlay(np.zeros(labels.shape), labels)[0].astype(int)
    assert np.abs(np.diff(colours, axis=0)).sum(1).min() > 100


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64", "bool"])
def test_any_dtype_is_stretched_from_black_to_white(dtype: str) -> None:
    ramp = np.linspace(0, 100, 400).reshape(20, 20)
    ramp = ramp > 50 if dtype == "bool" else ramp.astype(dtype)
    picture = overlay(ramp, np.zeros((20, 20), int))
    assert not coloured(picture).any()
    assert (picture.min(), picture.max()) == (0, 255)
    assert (np.diff(picture[..., 0].ravel().astype(int)) >= 0).all()


def test_flat_images_and_missing_values_are_black() -> None:
    assert not overlay(np.full((9, 8), 7), np.zeros((9, 8), int)).any()
    image = np.ones((9, 8))
    image[0, 0] = np.nan
    assert overlay(image, np.zeros((9, 8), int))[0, 0, 0] == 0


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="shapes"):
        overlay(np.zeros((9, 8)), np.zeros((8, 9), int))
    with pytest.raises(InputError, match="shapes"):
        overlay(np.zeros((2, 9, 8)), np.zeros((2, 9, 8), int))


def test_cased_outlines_stand_out_from_black_and_white_without_colours() -> None:
    labels = np.zeros((40, 60), int)
    for i in range(24):
        y, x = divmod(i, 6)
        labels[y * 10 + 2 : y * 10 + 8, x * 10 + 2 : x * 10 + 8] = i + 1
    grey = np.array([0.299, 0.587, 0.114])
    for background in (np.zeros(labels.shape), 1 - np.eye(40, 60)):
        picture = overlay(background, labels, cased=True) @ grey
        line = picture[2, 2:58][labels[2, 2:58] > 0]
        assert line.min() > 120
        assert picture[1, 3] <= 85
