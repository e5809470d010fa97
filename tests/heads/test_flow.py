"""Flow: paths to the centre stay in the object, around corners and along bends."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from scenes import arcs, bent, same_objects, touching
from scipy.ndimage import gaussian_filter

from napari_tally.heads import Flow
from napari_tally.heads.decoding.follow_flow import noise_of, step_of
from napari_tally.heads.decoding.padded_neighbours import framed, steps_of
from napari_tally.heads.flow import FLOW
from napari_tally.metrics.match import match
from napari_tally.objects.relabel import remove_small

few = settings(max_examples=60, deadline=None)
HEAD = Flow()


def disc(size: int, radius: float) -> np.ndarray:
    y, x = np.indices((size, size)) - size // 2
    return (np.hypot(y, x) <= radius).astype(np.uint16)


def noisy(labels: np.ndarray, noise: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    maps = HEAD.encode(labels)
    for k, channel in enumerate(maps):
        smooth = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += (noise if k < FLOW else 2 * noise) * smooth / smooth.std()
    return maps


def _flow(labels: np.ndarray) -> np.ndarray:
    """Return the vectors that lead to the centre of each object, shape (ndim, *spatial)."""
    return HEAD.encode(labels)[FLOW:]


@few
@given(touching())
def test_flow_restores_every_connected_object(labels: np.ndarray) -> None:
    assert HEAD.in_domain(labels)
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


@few
@given(bent())
def test_flow_restores_bent_objects(labels: np.ndarray) -> None:
    assert HEAD.in_domain(labels)
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


@few
@given(bent())
def test_each_step_stays_in_the_object(labels: np.ndarray) -> None:
    flow, ids = _flow(labels), framed(labels, 0)
    vectors = np.pad(flow, [(0, 0), *[(1, 1)] * labels.ndim]).reshape(labels.ndim, -1)
    inside, steps = np.flatnonzero(ids), steps_of(ids.shape)
    ahead = [i + step_of(vectors, steps, i) for i in inside[::7]]
    assert np.array_equal(ids.ravel()[ahead], ids.ravel()[inside[::7]])
    lengths = np.sqrt((flow**2).sum(0))[labels > 0]
    assert np.allclose(lengths[lengths > 0], 1, atol=1e-5)
    assert (lengths == 0).sum() == labels.max()


def test_the_flow_of_a_disc_leads_straight_to_its_centre() -> None:
    labels = disc(61, 25)
    flow, place = _flow(labels), np.indices(labels.shape) - 30
    away = np.hypot(*place)
    along = -(flow * place).sum(0) / np.maximum(away, 1)
    assert along[(away > 3) & (labels > 0)].min() > 0.97


def test_the_flow_leaves_the_border_and_follows_the_middle_of_a_bar() -> None:
    labels = np.zeros((15, 101), np.uint16)
    labels[2:13, 2:99] = 1
    flow = _flow(labels)
    assert np.all(flow[0, 2, 20:80] > 0.5)  # away from the upper border
    assert np.all(flow[0, 12, 20:80] < -0.5)
    assert np.allclose(flow[1, 7, 5:45], 1)
    assert np.allclose(flow[1, 7, 56:96], -1)


def test_a_centre_is_deep_in_its_object() -> None:
    ring = disc(61, 28) - disc(61, 18)
    ring[30:, 25:36] = 0  # a C, whose centroid is outside of it
    (y,), (x,) = np.nonzero((_flow(ring) == 0).all(0) & (ring > 0))
    assert 20 <= np.hypot(y - 30, x - 30) <= 26


def test_a_spiral_is_one_object() -> None:
    labels = np.zeros((60, 60), np.uint16)
    turn = np.linspace(0, 10 * np.pi, 20_000)
    radius = 2 + turn * 0.85
    labels[
        np.rint(30 + radius * np.sin(turn)).astype(int),
        np.rint(30 + radius * np.cos(turn)).astype(int),
    ] = 1
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


def test_a_thread_longer_than_the_rounds_of_doubling_is_one_object() -> None:
    labels = np.zeros((200, 200), np.uint16)
    labels[::2] = 1
    labels[1::4, -1] = labels[3::4, 0] = 1
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


def test_a_disconnected_object_is_outside_the_domain() -> None:
    labels = np.zeros((10, 10), np.uint16)
    labels[1, 1] = labels[8, 8] = 1
    assert not HEAD.in_domain(labels)


def test_ids_with_gaps_and_one_object_that_fills_the_image() -> None:
    labels = np.full((9, 12), 700, np.uint16)
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)
    labels[:, 6:] = 9
    assert same_objects(HEAD.decode(HEAD.encode(labels)), labels)


@pytest.mark.parametrize("shape", [(200, 200), (24, 72, 72)])
def test_bent_objects_are_separated_in_noisy_maps(shape: tuple[int, ...]) -> None:
    labels = arcs(shape, 20, (10, 22), 9, np.random.default_rng(1))
    labels = remove_small(labels, 200)
    assert labels.max() >= 5
    found = remove_small(HEAD.decode(noisy(labels, 0.1)), 20)
    assert match(found, labels, [0.5])[0].ap >= 0.95


def test_noise_is_measured_and_is_zero_in_ideal_maps() -> None:
    labels = disc(61, 25)
    for noise in (0.0, 0.05, 0.1):
        measured = noise_of(noisy(labels, noise)[FLOW:], labels > 0)
        assert measured == pytest.approx(1.35 * noise, rel=0.2, abs=1e-6)  # of 2 noise, the median


@pytest.mark.parametrize("shape", [(30, 40), (8, 20, 20)])
def test_bad_flows_give_labels(shape: tuple[int, ...]) -> None:
    maps = np.zeros((FLOW + len(shape), *shape), np.float32)
    maps[1] = 1
    assert HEAD.decode(maps).min() == 1  # all of it is foreground, and no voxel is lost
    for value in (1, -1, 1e30, -3e38):
        maps[FLOW:] = value  # out of the image
        assert HEAD.decode(maps).min() == 1
    outwards = maps.copy()
    outwards[: FLOW + len(shape)] = HEAD.encode(np.ones(shape, np.uint16))
    outwards[FLOW:] *= -1
    assert HEAD.decode(outwards).min() == 1
    maps[FLOW:] = np.random.default_rng(0).normal(size=(len(shape), *shape))
    assert HEAD.decode(maps).min() == 1


@pytest.mark.parametrize("shape", [(1500, 1500), (40, 200, 200)])
def test_pure_noise_takes_seconds(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(FLOW + len(shape), *shape)).astype(np.float32)
    assert seconds(maps) < 20


def test_a_million_specks_take_seconds() -> None:
    maps = np.zeros((FLOW + 2, 2000, 2000), np.float32)
    maps[0] = 1
    maps[0, ::2, ::2] = 0
    maps[FLOW:] = np.random.default_rng(0).normal(size=(2, 2000, 2000))
    assert seconds(maps) < 20


def seconds(maps: np.ndarray) -> float:
    HEAD.decode(maps[(slice(None), *[slice(0, 9)] * (maps.ndim - 1))])  # compiles
    start = time.process_time()
    assert HEAD.decode(maps).max() > 0
    return time.process_time() - start
