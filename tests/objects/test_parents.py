"""Parents: the object that contains another."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.objects.parents import parents_of


def test_the_parent_is_the_one_that_holds_most() -> None:
    labels = np.array([[5, 5, 5, 0, 9, 9, 0, 3]])
    parents = np.array([[70, 70, 80, 80, 0, 80, 80, 0]])
    parent, share = parents_of(labels, parents)
    assert parent.tolist() == [0, 70, 80]  # of the objects 3, 5 and 9
    assert share.tolist() == pytest.approx([0, 2 / 3, 1 / 2])


def test_ties_go_to_the_smaller_id() -> None:
    parent, share = parents_of(np.array([[1, 1]]), np.array([[8, 4]]))
    assert (parent.item(), share.item()) == (4, 0.5)


def test_it_equals_counting_by_hand() -> None:
    rng = np.random.default_rng(0)
    labels, parents = rng.integers(0, 30, (9, 20, 20)), rng.integers(0, 4, (9, 20, 20)) * 10
    parent, share = parents_of(labels, parents)
    for i in range(1, 30):
        inside = parents[labels == i]
        counts = {p: int((inside == p).sum()) for p in (10, 20, 30)}
        assert counts[int(parent[i - 1])] == max(counts.values())
        assert share[i - 1] == max(counts.values()) / len(inside)


def test_no_objects_have_no_parents_and_shapes_have_to_fit() -> None:
    parent, share = parents_of(np.zeros((3, 3), int), np.ones((3, 3), int))
    assert len(parent) == len(share) == 0
    with pytest.raises(InputError, match=r"\(3, 4\).*\(3, 3\)"):
        parents_of(np.zeros((3, 3), int), np.zeros((3, 4), int))
