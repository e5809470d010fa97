"""Object tests: false positives are removed after decoding, and nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.draw import disk

from napari_tally.heads import Center, Flow
from napari_tally.heads.border_classes import INSIDE
from napari_tally.heads.center import DISTANCE
from napari_tally.heads.flow import FLOW
from napari_tally.objects.relabel import relabel
from napari_tally.segmentation.tune_search import candidates

if TYPE_CHECKING:
    from napari_tally.heads.base import Head

BOTH = pytest.mark.parametrize("head", [Flow(), Center()], ids=["flow", "center"])
LARGE, DIM, TURNED, TINY = range(1, 5)
PLACES = {LARGE: (25, 25, 12), DIM: (25, 75, 12), TURNED: (75, 25, 12), TINY: (75, 75, 3)}


def scene() -> np.ndarray:
    """Return a large, a dim and a turned object, and a tiny one."""
    labels = np.zeros((100, 100), np.int32)
    for label, (y, x, radius) in PLACES.items():
        labels[disk((y, x), radius)] = label
    return labels


def maps_of(head: Head) -> np.ndarray:
    """Return maps in which one object is dim, and the vectors of another are wrong."""
    labels = scene()
    maps = head.encode(labels)
    dim, turned = labels == DIM, labels == TURNED
    maps[0, dim] = 0.2
    maps[INSIDE, dim] = np.minimum(maps[INSIDE, dim], 0.8)
    vectors = slice(FLOW, None) if isinstance(head, Flow) else slice(DISTANCE + 1, None)
    ideal = maps[vectors]
    if isinstance(head, Flow):
        noise = np.random.default_rng(0).standard_normal((2, int(turned.sum())))
        ideal[:, turned] += 0.5 * noise.astype(np.float32)
    else:
        ideal[:, turned] += 6  # all voxels vote for a place that is no centre
    return maps


def found(head: Head, maps: np.ndarray) -> set[int]:
    """Return which objects of the scene have a decoded one at their middle, half as large."""
    labels = head.decode(maps)
    kept = set()
    for label, (y, x, _) in PLACES.items():
        own = scene() == label
        if labels[y, x] and (labels == labels[y, x])[own].mean() > 0.5:
            kept.add(label)
    return kept


@BOTH
def test_without_tests_nothing_is_removed(head: Head) -> None:
    maps = head.encode(scene())
    assert found(head, maps) == {LARGE, DIM, TURNED, TINY}
    off = {name: head.parameters[name] for name in ("mean_probability", "relative_size")}
    assert off == {"mean_probability": 0, "relative_size": 0}


@BOTH
def test_objects_below_the_mean_probability_are_removed(head: Head) -> None:
    assert DIM in found(head, maps_of(head))
    assert DIM not in found(head.tuned(mean_probability=0.9), maps_of(head))
    assert LARGE in found(head.tuned(mean_probability=0.9), maps_of(head))


@BOTH
def test_objects_that_contradict_their_vectors_are_removed(head: Head) -> None:
    name = "flow_error" if isinstance(head, Flow) else "offset_error"
    assert TURNED in found(head, maps_of(head))
    strict = found(head.tuned(**{name: 0.2}), maps_of(head))
    assert TURNED not in strict
    assert {LARGE, DIM, TINY} <= strict


@BOTH
def test_objects_far_below_the_typical_size_are_removed(head: Head) -> None:
    assert found(head.tuned(relative_size=0.2), maps_of(head)) >= {LARGE, DIM}
    assert TINY not in found(head.tuned(relative_size=0.2), maps_of(head))
    assert TINY in found(head.tuned(relative_size=0.02), maps_of(head))


@BOTH
def test_tests_pass_every_object_of_perfect_maps(head: Head) -> None:
    strict = {name: 0.01 for name in head.parameters if name.endswith("_error")}
    labels, all_tests = scene(), head.tuned(mean_probability=0.95, relative_size=0.01, **strict)
    assert np.array_equal(relabel(all_tests.decode(head.encode(labels))), relabel(labels))


@BOTH
def test_tests_take_maps_without_objects(head: Head) -> None:
    empty = head.encode(np.zeros((40, 40), np.int32))
    error = next(name for name in head.parameters if name.endswith("_error"))
    strict = head.tuned(mean_probability=0.5, relative_size=0.5, **{error: 0.3})
    assert strict.decode(empty).max() == 0


def test_tests_work_in_3d() -> None:
    labels = np.zeros((20, 30, 30), np.int32)
    labels[3:17, 3:13, 3:13], labels[4:6, 20:22, 20:22] = 1, 2
    head = Flow().tuned(mean_probability=0.9, flow_error=0.1, relative_size=0.1)
    assert np.array_equal(head.decode(head.encode(labels)) > 0, labels == 1)


@BOTH
def test_tune_tries_the_tests(head: Head) -> None:
    from types import SimpleNamespace

    tried = candidates(SimpleNamespace(head=head))  # type: ignore[arg-type]
    error = next(name for name in tried if name.endswith("_error"))
    assert {0.3, 0.4, 0.9} <= set(tried[error])
    assert {0.7, 0.8} <= set(tried["mean_probability"])
    assert 0.1 in tried["relative_size"]
