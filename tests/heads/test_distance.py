"""Distance: each object is a hill; limits of the domain."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from scenes import same_objects, solid, touching
from scipy.ndimage import gaussian_filter

from napari_tally.heads import Distance
from napari_tally.heads.encoding.targets import normalized_distance
from napari_tally.metrics.match import match
from napari_tally.objects.relabel import remove_small

few = settings(max_examples=60, deadline=None)
HEAD = Distance()


def two_discs(radii: tuple[float, float], apart: float) -> np.ndarray:
    y, x = np.indices((60, 100)).astype(float)
    away = [np.hypot(y - 30, x - 30) - radii[0], np.hypot(y - 30, x - 30 - apart) - radii[1]]
    return np.where(np.min(away, 0) <= 0, np.argmin(away, 0) + 1, 0).astype(np.uint16)


@few
@given(solid())
def test_distance_restores_solid_objects(labels: np.ndarray) -> None:
    if HEAD.in_domain(labels):
        assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


@few
@given(touching())
def test_distance_restores_objects_in_its_domain(labels: np.ndarray) -> None:
    if HEAD.in_domain(labels):
        assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


def test_most_solid_scenes_are_in_the_domain_of_distance() -> None:
    inside = []

    @few
    @given(solid())
    def look(labels: np.ndarray) -> None:
        inside.append(HEAD.in_domain(labels))

    look()
    assert np.mean(inside) > 0.5


@pytest.mark.parametrize("shape", [(40, 40), (14, 20, 20)])
def test_the_maximum_distance_of_each_object_is_one(shape: tuple[int, ...]) -> None:
    labels = np.zeros(shape, np.uint16)
    labels[..., 2:12, 2:9], labels[..., 2:12, 9:19], labels[..., 14:15, 3:9] = 3, 7, 9
    distance = normalized_distance(labels)
    assert [distance[labels == i].max() for i in (3, 7, 9)] == [1, 1, 1]
    assert distance[labels == 0].max() == 0


def test_discs_of_similar_size_are_in_the_domain_but_not_a_bone_or_very_different_discs() -> None:
    assert HEAD.in_domain(two_discs((12, 12), 20))
    assert not HEAD.in_domain((two_discs((12, 12), 22) > 0).astype(np.uint16))
    assert not HEAD.in_domain(two_discs((20, 3), 22))


def test_very_different_discs_are_separated_all_the_same() -> None:
    labels = two_discs((20, 5), 23)
    assert match(HEAD.decode(HEAD.encode(labels)), labels, [0.5])[0].ap == 1


def test_depth_decides_which_bumps_are_objects() -> None:
    bone = (two_discs((12, 12), 22) > 0).astype(np.uint16)
    maps = HEAD.encode(bone)
    assert HEAD.decode(maps).max() == 2
    assert Distance(depth=0.7).decode(maps).max() == 1


def test_a_disconnected_object_is_outside_the_domain() -> None:
    labels = np.zeros((10, 10), np.uint16)
    labels[1, 1] = labels[8, 8] = 1
    assert not HEAD.in_domain(labels)


def test_one_object_that_fills_the_image_is_one() -> None:
    labels = np.ones((12, 15), np.uint16)
    assert HEAD.in_domain(labels)
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


def test_touching_discs_are_separated_in_noisy_maps() -> None:
    rng = np.random.default_rng(0)
    labels = two_discs((14, 16), 26)
    maps = HEAD.encode(labels)
    for channel in maps:
        smooth = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += 0.1 * smooth / smooth.std()
    assert match(remove_small(HEAD.decode(maps), 20), labels, [0.9])[0].ap == 1


@pytest.mark.parametrize("shape", [(1500, 1500), (40, 200, 200)])
def test_pure_noise_takes_seconds(shape: tuple[int, ...]) -> None:
    maps = np.random.default_rng(0).random((3, *shape), np.float32)
    HEAD.decode(maps[(slice(None), *[slice(0, 9)] * len(shape))])  # compiles
    start = time.process_time()
    assert HEAD.decode(maps).max() > 10
    assert time.process_time() - start < 20
