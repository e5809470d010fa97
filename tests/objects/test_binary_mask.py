"""A binary mask is recognized, and split into objects on request."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_tally.core.volume import Volume
from napari_tally.objects.binary_mask import mask_note, pieces_of_mask, separated, with_ids

SQUARES = np.zeros((12, 12), bool)
SQUARES[1:4, 1:4] = SQUARES[6:9, 6:11] = True


@pytest.mark.parametrize(("dtype", "most"), [("u1", 255), ("u1", 1), ("i2", 32767), (">u2", 65535)])
def test_a_mask_is_two_squares_of_one_id(dtype: str, most: int) -> None:
    mask = Volume((SQUARES * most).astype(dtype), "YX", name="mask.tif")
    assert pieces_of_mask(mask) == 2
    assert f"all have the id {most}" in mask_note(mask)


def test_labels_and_one_connected_component_are_no_mask() -> None:
    labels = SQUARES * np.where(np.arange(12) < 5, 1, 2)
    assert pieces_of_mask(Volume(labels, "YX")) == 0
    assert pieces_of_mask(Volume((labels == 1).astype(np.uint8), "YX")) == 0
    assert mask_note(Volume(np.zeros((4, 4), np.uint8), "YX")) == ""


def test_each_frame_is_split_with_new_ids() -> None:
    film = np.stack([SQUARES, np.roll(SQUARES, 1, 1)]).astype(np.uint8) * 255
    found = np.asarray(separated(Volume(film, "TYX")).array)
    np.testing.assert_array_equal(found > 0, film > 0)
    assert [np.unique(frame).tolist() for frame in found] == [[0, 1, 2], [0, 3, 4]]


def test_bent_and_boolean_labels_become_integers() -> None:
    bent = with_ids(Volume(SQUARES * 6.9999, "YX"))
    np.testing.assert_array_equal(bent.array, SQUARES * 7)
    assert np.asarray(with_ids(Volume(SQUARES, "YX")).array).max() == 2
    labels = Volume(SQUARES.astype(np.uint8), "YX")
    assert with_ids(labels) is labels


def test_a_mask_that_is_stored_is_split_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_tally.objects.binary_mask._LARGE_BYTES", 0)
    mask = np.zeros((8, 9, 9), bool)
    mask[:, 5:8, 5:8], mask[3:5, 1:3, 1:3] = True, True
    found = np.asarray(with_ids(Volume(da.from_array(mask, chunks=2), "ZYX")).array)
    assert np.bincount(found.ravel()).tolist()[1:] == [72, 8]
