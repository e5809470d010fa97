"""The panoptic head: objects and classes agree voxel by voxel, whatever the maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scenes import touching

from napari_tally.core.errors import InputError
from napari_tally.heads import Boundary, Panoptic
from napari_tally.heads.panoptic import PanopticClass

CLASSES = (
    PanopticClass(name="tissue", kind="stuff"),
    PanopticClass(name="round", kind="thing"),
    PanopticClass(name="long", kind="thing"),
)
HEAD = Panoptic(classes=CLASSES)
few = settings(max_examples=40, deadline=None)


def scene(objects: np.ndarray) -> np.ndarray:
    """Return objects of both kinds in turn, and stuff in one half of the rest."""
    half = np.indices(objects.shape)[-1] < objects.shape[-1] // 2
    return HEAD.merged(objects, np.where(objects > 0, 2 + objects % 2, half))


@few
@given(touching())
def test_objects_and_classes_are_restored(objects: np.ndarray) -> None:
    labels = scene(objects)
    assert HEAD.in_domain(labels)
    found, classes = HEAD.split(HEAD.decode(HEAD.encode(labels)))
    expected, expected_classes = HEAD.split(labels)
    assert np.array_equal(classes, expected_classes)
    assert np.array_equal(found > 0, expected > 0)
    assert len(np.unique(found)) == len(np.unique(expected))


@few
@given(st.integers(0, 2**32 - 1), st.sampled_from([(20, 30), (6, 16, 20)]))
def test_each_voxel_has_one_class_and_each_object_one_whatever_the_maps(seed, shape) -> None:
    maps = np.random.default_rng(seed).normal(0.5, 2, (HEAD.channels(len(shape)), *shape))
    objects, classes = HEAD.split(HEAD.decode(maps))
    assert np.array_equal(objects > 0, np.isin(classes, HEAD.ids("thing")))
    pairs = np.unique(np.stack([objects, classes])[:, objects > 0], axis=1)
    assert pairs.shape[1] == len(np.unique(objects[objects > 0]))


def test_an_object_gets_the_class_of_most_of_its_voxels_with_their_share() -> None:
    objects = np.zeros((4, 10), int)
    objects[:, :8] = 1
    things = np.full((4, 10), 2)
    things[:, 6:] = 3
    classes, share = HEAD.agreed(objects, things, np.zeros((4, 10), int))
    assert (classes[:, :8] == 2).all() and (classes[:, 8:] == 0).all()
    assert share[1] == pytest.approx(0.75)


def test_ties_give_the_first_class_and_nan_is_ignored() -> None:
    labels = scene(np.pad(np.ones((8, 8), int), 4))
    maps = HEAD.encode(labels)
    maps[-4:] = 0.25
    objects, classes = HEAD.split(HEAD.decode(maps))
    assert (classes[objects > 0] == 2).all() and (classes[objects == 0] == 0).all()
    maps[-4:] = np.nan
    assert np.array_equal(HEAD.split(HEAD.decode(maps))[1], classes)


@pytest.mark.parametrize("objects", [Boundary(), HEAD.objects], ids=lambda h: h.name)
def test_the_ideal_output_has_almost_no_loss(objects) -> None:
    head = Panoptic(classes=CLASSES, objects=objects)
    labels = np.zeros((20, 20), int)
    labels[3:9, 3:9] = 1
    target = torch.from_numpy(head.encode(scene(labels)))[None]
    output = (target - 0.5) * 40
    if objects.name == "center":
        output[:, 3] = target[:, 3]
        output[:, 4:6] = target[:, 4:6] / objects.offset_scale
    assert head.loss(output, target) < 1e-3
    assert head.loss(torch.zeros_like(output), target) > 0.5
    assert np.allclose(head.activate(output), target, atol=1e-4)


def test_objects_split_by_a_patch_become_two_objects_of_their_class() -> None:
    objects = np.zeros((5, 9), int)
    objects[0, :] = objects[:, 0] = objects[:, -1] = 2
    labels = HEAD.merged(objects, np.where(objects > 0, 3, 0))[2:]
    repaired, classes = HEAD.split(HEAD.repaired(labels))
    assert len(np.unique(repaired)) == 3
    assert set(np.unique(classes)) == {0, 3}


def test_invalid_heads_and_maps_are_refused() -> None:
    with pytest.raises(ValidationError, match="class of things"):
        Panoptic(classes=CLASSES[:1])
    with pytest.raises(InputError, match="channels"):
        HEAD.decode(np.zeros((3, 8, 8)))
    assert not HEAD.in_domain(np.full((4, 4), 4 + 1))  # an object of stuff
