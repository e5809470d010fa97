"""Linked slices: one id an object, across gaps and next to neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.objects.link_slices import link_slices


def _ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float):
    grid = np.indices(shape)
    return sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) < radius**2


def _in_slices(volume: np.ndarray) -> np.ndarray:
    """Give the objects of each slice ids of its own, as a 2D model does."""
    out = np.zeros_like(volume)
    rng = np.random.default_rng(0)
    for z, plane in enumerate(volume):
        ids = np.unique(plane[plane > 0])
        for new, old in zip(rng.permutation(len(ids)) + 1, ids, strict=True):
            out[z][plane == old] = new
    return out


def _same(found: np.ndarray, ground_truth: np.ndarray) -> bool:
    """Return whether two label images are equal up to their ids."""
    pairs = np.unique(np.stack([found.ravel(), ground_truth.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@pytest.fixture
def touching() -> np.ndarray:
    """Return three balls in a row, each touching the next, at different heights."""
    volume = np.zeros((24, 24, 60), np.int32)
    for i, centre in enumerate([(10, 12, 12), (12, 12, 27), (9, 12, 42)], start=1):
        volume[_ball(volume.shape, centre, 8) & (volume == 0)] = i
    return volume


def test_touching_objects_keep_their_ids_through_all_slices(touching) -> None:
    assert _same(link_slices(_in_slices(touching)), touching)


def test_ids_are_consecutive(touching) -> None:
    assert list(np.unique(link_slices(_in_slices(touching)))) == [0, 1, 2, 3]


def test_an_object_survives_a_missed_slice_which_is_filled(touching) -> None:
    slices = _in_slices(touching)
    slices[10][touching[10] == 2] = 0
    found = link_slices(slices)
    assert found.max() == 3
    middle = found == found[12, 12, 27]
    ground_truth = touching == 2
    assert (middle & ground_truth).sum() / (middle | ground_truth).sum() > 0.97
    assert middle[10].sum() > 0.8 * ground_truth[10].sum()


def test_without_a_gap_a_missed_slice_makes_two_objects(touching) -> None:
    slices = _in_slices(touching)
    slices[10][touching[10] == 2] = 0
    assert link_slices(slices, gap=0, waist=0).max() == 4


def test_a_filled_slice_takes_nothing_from_a_neighbour(touching) -> None:
    slices = _in_slices(touching)
    slices[10][touching[10] == 2] = 0
    found = link_slices(slices)
    for i, at in ((1, (10, 12, 12)), (3, (9, 12, 42))):
        assert ((found == found[at]) >= (touching == i)).all()


def test_a_neighbour_does_not_take_the_place_of_an_object_that_ends() -> None:
    slices = np.zeros((6, 20, 40), np.int32)
    slices[:3, 5:15, 5:20] = 1  # ends at slice 2 ...
    slices[:, 5:15, 20:35] = 2  # ... beside one that goes on, and that leans over a little
    slices[3:, 5:15, 17:20] = 2
    found = link_slices(slices)
    assert found[0, 10, 10] != found[0, 10, 30] == found[5, 10, 30] == found[5, 10, 18]


def test_after_a_split_the_larger_part_keeps_the_id() -> None:
    slices = np.zeros((6, 20, 40), np.int32)
    slices[:3, 5:15, 5:35] = 1
    slices[3:, 5:15, 5:24] = 1
    slices[3:, 5:15, 25:35] = 2
    found = link_slices(slices)
    assert found.max() == 2
    assert found[0, 10, 10] == found[5, 10, 10] != found[5, 10, 30]


def test_two_objects_one_above_the_other_are_split_at_their_waist() -> None:
    ground_truth = np.zeros((34, 24, 24), np.int32)
    ground_truth[_ball(ground_truth.shape, (9, 12, 12), 8.5)] = 1
    ground_truth[_ball(ground_truth.shape, (25, 12, 12), 8.5) & (ground_truth == 0)] = 2
    slices = (ground_truth > 0).astype(np.int32)
    found = link_slices(slices)
    assert found.max() == 2
    assert (found[:17][ground_truth[:17] > 0] == 1).all()
    assert link_slices(slices, waist=0).max() == 1


def test_every_waist_of_a_chain_is_found() -> None:
    profile = np.abs(np.sin(np.linspace(0.3, 4 * np.pi - 0.3, 64)))
    rows, cols = np.indices((40, 40)) - 20
    slices = np.stack([(rows**2 + cols**2 < (4 + 12 * p) ** 2).astype(int) for p in profile])
    assert link_slices(slices).max() == 4


def test_an_empty_stack_stays_empty() -> None:
    assert not link_slices(np.zeros((4, 8, 8), np.int32)).any()


def test_a_plane_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="stack"):
        link_slices(np.zeros((8, 8), np.int32))
