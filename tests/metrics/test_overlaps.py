"""Overlaps of objects: against a count of all voxels, and for any ids, types and layouts."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.metrics.overlaps import overlaps


def counted(predicted: np.ndarray, true: np.ndarray) -> dict[tuple[int, int], int]:
    """Return the voxels of each pair of objects, one voxel at a time."""
    found: dict[tuple[int, int], int] = {}
    for pair in zip(predicted.ravel().tolist(), true.ravel().tolist(), strict=True):
        if all(pair):
            found[pair] = found.get(pair, 0) + 1
    return found


def pairs_of(predicted: np.ndarray, true: np.ndarray) -> dict[tuple[int, int], int]:
    found = overlaps(predicted, true)
    ids = found.predicted_ids[found.predicted], found.true_ids[found.true]
    return dict(
        zip(zip(*(i.tolist() for i in ids), strict=True), found.shared.tolist(), strict=True)
    )


@pytest.mark.parametrize("ids", [3, 40, 3000])
def test_pairs_are_those_of_a_count_of_all_voxels(ids: int) -> None:
    # 3000 ids in random order make more pairs than the first table holds
    rng = np.random.default_rng(ids)
    predicted, true = (rng.integers(0, ids, (13, 29, 31)) for _ in range(2))
    assert pairs_of(predicted, true) == counted(predicted, true)


def test_sizes_and_ids_are_those_of_the_images() -> None:
    true = np.array([[0, 7, 7], [7, 0, 90]])
    predicted = np.array([[5, 5, 5], [0, 0, 0]])
    found = overlaps(predicted, true)
    assert found.predicted_ids.tolist() == [0, 5] and found.predicted_sizes.tolist() == [3, 3]
    assert found.true_ids.tolist() == [0, 7, 90] and found.true_sizes.tolist() == [2, 3, 1]
    assert found.iou.tolist() == pytest.approx([2 / 4])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, np.uint64, ">u2"])
def test_the_type_of_the_ids_does_not_matter(dtype: object) -> None:
    true = np.array([[0, 1, 1, 1]])
    found = overlaps(np.array([[1, 1, 0, 1]]).astype(dtype), true.astype(dtype))
    assert found.shared.tolist() == [2] and found.iou.tolist() == [0.5]


def test_ids_of_64_bits_stay_apart() -> None:
    far = np.array([[2**63 + 1, 2**63 + 2, 2**64 - 1, 0]], np.uint64)
    found = overlaps(far, np.array([[1, 2, 3, 0]]))
    assert found.predicted_ids.tolist() == [0, *far[0, :3].tolist()]
    assert found.iou.tolist() == [1, 1, 1]


def test_the_layout_in_memory_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    predicted, true = (rng.integers(0, 5, (4, 6, 5)) for _ in range(2))
    turned = np.asfortranarray(predicted), np.asfortranarray(true)
    expected = pairs_of(predicted, true)
    assert pairs_of(*turned) == pairs_of(turned[0], true) == expected
    assert pairs_of(predicted[:, ::-1], true[:, ::-1]) == expected


def test_a_negative_id_is_refused() -> None:
    with pytest.raises(InputError, match="the id -1"):
        overlaps(np.array([[-1, 0]]), np.array([[1, 0]]))


def test_small_ids_of_uint64_stay_whole_numbers_beside_signed_ones() -> None:
    found = overlaps(np.array([[2**53 + 1, 0]], np.uint64), np.array([[1, 0]]))
    assert found.predicted_ids.dtype == found.true_ids.dtype == np.int64
    assert found.predicted_ids.tolist() == [0, 2**53 + 1]
