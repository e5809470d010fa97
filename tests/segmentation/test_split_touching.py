"""Touching objects are split at their necks."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.core.volume import Volume
from napari_tally.segmentation.split_touching import split_steps


def balls(shape: tuple[int, ...], spacing: tuple[float, ...], *middles: tuple[float, ...]):
    """Return a mask of balls of radius 6 (in the unit of the spacing)."""
    places = [i * s for i, s in zip(np.indices(shape), spacing, strict=True)]
    mask = np.zeros(shape, bool)
    for middle in middles:
        away = sum((p - m) ** 2 for p, m in zip(places, middle, strict=True))
        mask |= away <= 36
    return mask


def found(array: np.ndarray, axes: str, spacing=None) -> np.ndarray:
    volume = Volume(array, axes, spacing, "um" if spacing else "px")
    return drain(split_steps(volume)).array


def test_two_discs_that_touch_become_two_objects_of_the_same_size() -> None:
    mask = balls((20, 34), (1, 1), (9, 9), (9, 19))
    labels = found(mask, "YX")
    assert labels.max() == 2
    assert np.array_equal(labels > 0, mask)
    assert abs(int((labels == 1).sum()) - int((labels == 2).sum())) <= 8
    assert labels[9, 9] != labels[9, 19]


def test_one_disc_stays_one() -> None:
    assert found(balls((20, 20), (1, 1), (9, 9)), "YX").max() == 1


@pytest.mark.parametrize("z", [1.0, 3.0])
def test_balls_are_split_in_physical_units(z: float) -> None:
    shape = (round(20 / z), 20, 34)
    mask = balls(shape, (z, 1, 1), (9, 9, 9), (9, 9, 19))
    assert found(mask, "ZYX", (z, 1.0, 1.0)).max() == 2


def test_labels_are_not_merged_and_round_ones_are_not_split() -> None:
    labels = np.zeros((12, 24), np.int64)
    labels[2:10, 2:12], labels[2:10, 12:22] = 7, 9
    again = found(labels, "YX")
    assert again.dtype == np.uint16
    assert np.array_equal(again, np.select([labels == 7, labels == 9], [1, 2], 0))


def test_ids_are_unique_over_frames() -> None:
    mask = balls((20, 34), (1, 1), (9, 9), (9, 19))
    labels = found(np.stack([mask, mask]), "TYX")
    assert sorted(np.unique(labels[1][mask])) == [3, 4]


@pytest.mark.parametrize("value", [0, 1])
def test_labels_without_any_border_are_one_object_or_none(value: int) -> None:
    assert found(np.full((8, 9), value, np.uint8), "YX").max() == value


def test_other_arrays_are_refused() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        found(np.full((5, 5), 0.5), "YX")
    with pytest.raises(InputError, match="without channels"):
        found(np.zeros((2, 5, 5), np.uint8), "CYX")
