"""Relabelled ids are consecutive, in the smallest dtype, whatever the input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_tally.core.errors import InputError
from napari_tally.objects.relabel import as_labels, relabel, remove_small

GAPS = np.array([[0, 9, 9], [4, 0, 7], [4, 4, 7]])
CLOSED = np.array([[0, 3, 3], [1, 0, 2], [1, 1, 2]])


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", "i2", ">i2", "u4", ">u4", "i8", "u8", "f4", ">f4", "f8"]
)
def test_ids_are_consecutive_in_the_order_of_the_old_ids(dtype: str) -> None:
    found = relabel(GAPS.astype(dtype))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, CLOSED)


def test_the_original_ids_are_kept_beside_the_new_ones() -> None:
    labels, ids = as_labels(GAPS)
    np.testing.assert_array_equal(ids, [4, 7, 9])
    np.testing.assert_array_equal(np.concatenate([[0], ids])[labels], GAPS)


@pytest.mark.parametrize("factor", [2**33, 2**59])
def test_huge_ids_are_not_truncated(factor: int) -> None:
    labels, ids = as_labels(GAPS.astype(np.int64) * factor)
    np.testing.assert_array_equal(labels, CLOSED)
    assert ids.tolist() == [4 * factor, 7 * factor, 9 * factor]


def test_ids_above_those_of_int64_stay_exact() -> None:
    labels, ids = as_labels(np.array([[2**64 - 1, 0], [3, 2**63]], np.uint64))
    np.testing.assert_array_equal(labels, [[3, 0], [1, 2]])
    assert ids.tolist() == [3, 2**63, 2**64 - 1]


@pytest.mark.parametrize(("count", "dtype"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_the_type_is_the_smallest_that_holds_the_objects(count: int, dtype: type) -> None:
    found = relabel(np.arange(0, 2 * (count + 1), 2).reshape(1, -1))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[0], np.arange(count + 1))


def test_consecutive_labels_are_not_copied() -> None:
    right = CLOSED.astype(np.uint16)
    assert relabel(right) is right


def test_the_given_array_is_never_changed() -> None:
    given = GAPS.copy()
    given.flags.writeable = False
    relabel(given)
    remove_small(given, 3)
    np.testing.assert_array_equal(given, GAPS)


@pytest.mark.parametrize("view", [np.s_[::2, ::-1], np.s_[:, 1:3]])
def test_views_and_other_orders_are_fine(view: tuple[slice, slice]) -> None:
    large = np.asfortranarray(np.kron(GAPS, np.ones((2, 2), int)))[view]
    found, ids = as_labels(large)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(np.concatenate([[0], ids])[found], large)


def test_no_background_is_fine() -> None:
    np.testing.assert_array_equal(relabel(np.full((2, 2), 5)), np.ones((2, 2)))


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 5), (5, 0)])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_an_empty_axis_is_fine(shape: tuple[int, ...], dtype: type) -> None:
    for found in (relabel(np.zeros(shape, dtype)), remove_small(np.zeros(shape, dtype), 5)):
        assert (found.shape, found.dtype) == (shape, np.uint16)


def test_components_of_a_mask_connect_over_corners() -> None:
    mask = np.zeros((2, 4, 4), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[0, 3, 3] = True
    found = relabel(mask)
    assert found[0, 0, 0] == found[1, 1, 1] == 1
    assert found[0, 3, 3] == 2
    np.testing.assert_array_equal(relabel(np.eye(3, dtype=bool)), np.eye(3))


@pytest.mark.parametrize("ndim", [2, 3])
def test_components_of_a_mask_are_those_of_scipy(ndim: int) -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        mask = random.random(random.integers(1, 9, ndim)) < random.random()
        expected, count = ndimage.label(mask, np.ones((3,) * ndim))
        found = relabel(mask)
        assert found.max(initial=0) == count
        assert len(np.unique(np.stack([found, expected]).reshape(2, -1), axis=1).T) == len(
            np.unique(expected)
        )
        np.testing.assert_array_equal(found > 0, mask)


def test_small_objects_are_removed_and_the_other_ids_are_consecutive() -> None:
    np.testing.assert_array_equal(remove_small(GAPS, 3), CLOSED == 1)
    np.testing.assert_array_equal(remove_small(GAPS * 2**40, 2), CLOSED)
    np.testing.assert_array_equal(remove_small(GAPS, 4), 0)
    np.testing.assert_array_equal(
        remove_small(np.where(GAPS == 4, 0, GAPS), 2), [[0, 2, 2], [0, 0, 1], [0, 0, 1]]
    )


@pytest.mark.parametrize("min_voxels", [-1, 0, 1])
def test_no_object_is_smaller_than_one_voxel(min_voxels: int) -> None:
    np.testing.assert_array_equal(remove_small(GAPS, min_voxels), CLOSED)


def test_small_components_of_a_mask_are_removed() -> None:
    mask = GAPS > 4
    assert remove_small(mask, 4).max() == 1
    assert remove_small(mask, 5).max() == 0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([[0, -3]]), "the id -3"),
        (np.array([[0.0, 1.5]]), "fractions or NaN"),
        (np.array([[0.0, np.nan]]), "fractions or NaN"),
        (np.array([[0.0, np.inf]]), "fractions or NaN"),
        (np.array([[0.0, 1e30]]), "fractions or NaN"),
        (np.array([[0.0, -2.0]]), "the id -2"),
        (np.array([[1j]]), "complex128"),
        (np.array([["a"]]), "whole numbers"),
        (np.ones(3, bool), "2 or 3 axes"),
        (np.ones((1, 1, 1, 1), bool), "2 or 3 axes"),
    ],
)
def test_other_arrays_are_refused_in_a_sentence(labels: np.ndarray, message: str) -> None:
    for function in (relabel, as_labels, lambda a: remove_small(a, 2)):
        with pytest.raises(InputError, match=message):
            function(labels)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", ">u2", "u4", "i4", "u8", ">i8"])
def test_the_largest_id_of_its_type_is_an_id(dtype: str) -> None:
    most = np.iinfo(dtype).max
    given = np.array([[0, most, most], [3, 0, 3]], dtype)
    found, ids = as_labels(given)
    np.testing.assert_array_equal(found, [[0, 2, 2], [1, 0, 1]])
    assert ids.tolist() == [3, most]


@pytest.mark.filterwarnings("error")
def test_half_floats_hold_ids() -> None:
    found, ids = as_labels(np.array([[0, 2000], [7, 7]], np.float16))
    np.testing.assert_array_equal(found, [[0, 2], [1, 1]])
    assert ids.tolist() == [7, 2000]


@pytest.mark.parametrize(
    "bent", [[0, 0.99998, 7.0002, 14], [0, 0.9883, 7.027, 14], [-1e-9, 1 + 1e-10, 7, 14 - 1e-10]]
)
def test_ids_that_a_files_scaling_bends_are_rounded_with_a_word(
    bent: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    found, ids = as_labels(np.array([bent]))
    np.testing.assert_array_equal(found, [[0, 1, 2, 3]])
    assert ids.tolist() == [1, 7, 14]
    assert "whole numbers" in caplog.text


@pytest.mark.parametrize("values", [[0, 0.7, 1], [0, 0.97, 0.98, 1], np.linspace(0.96, 1.04, 500)])
def test_probabilities_are_no_ids(values: list[float]) -> None:
    with pytest.raises(InputError, match="segment it first"):
        relabel(np.array([values]))
