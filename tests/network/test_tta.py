"""Turned copies: what the network says of them, turned back, is what it says of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scenes import touching

from napari_tally.core.progress import drain
from napari_tally.heads import Boundary, Center, Distance, Flow
from napari_tally.heads.encoding.targets import centers, normalized_distance
from napari_tally.network.tile_layout import Tiling
from napari_tally.network.tta import COPIES, AugmentedInference, Copy, copies

if TYPE_CHECKING:
    from napari_tally.heads.base import Head

HEADS = [Center(), Boundary(), Distance()]
few = settings(max_examples=25, deadline=None)


def with_one_center(labels: np.ndarray, depth: float = 0) -> np.ndarray:
    """Return the objects in which no two voxels are equally near to the centroid.

    Of two the first is taken, and which one that is depends on how the image lies. What is less
    deep than a share of the largest depth does not count.
    """
    kept = labels.copy()
    deep = np.where(normalized_distance(labels) >= depth, labels, 0)
    to = centers(deep)
    for i in np.unique(labels[labels > 0]):
        place = np.argwhere(deep == i)
        away = np.sort(((place - place.mean(0)) ** 2).sum(1))
        if len(away) > 1 and away[1] - away[0] < 1e-6:
            kept[labels == i] = 0
        assert (labels[tuple(to[i])]) == i
    return kept


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
@few
@given(scene=touching())
def test_encoded_copies_turn_back_into_the_encoded_image(head: Head, scene: np.ndarray) -> None:
    labels = with_one_center(scene)
    maps = head.encode(labels)
    for copy in copies(labels.ndim):
        turned = head.encode(np.ascontiguousarray(copy(labels)))
        assert np.allclose(copy.maps_back(turned, head.vectors(labels.ndim)), maps, atol=1e-5)


@few
@given(scene=touching())
def test_flows_of_copies_turn_back_to_nearly_the_same_directions(scene: np.ndarray) -> None:
    """Not to the same: of two ways of one length to the centre one is taken, by the array."""
    labels, head = with_one_center(scene, depth=0.5), Flow()
    vectors = head.vectors(labels.ndim)
    maps = head.encode(labels)
    flows = maps[list(vectors)][:, (labels > 0) & (np.abs(maps[list(vectors)]).sum(0) > 0)]
    for copy in copies(labels.ndim):
        back = copy.maps_back(head.encode(np.ascontiguousarray(copy(labels))), vectors)
        there = back[list(vectors)][:, (labels > 0) & (np.abs(maps[list(vectors)]).sum(0) > 0)]
        assert not flows.size or (flows * there).sum(0).mean() > 0.8
        assert np.array_equal(back[:2], maps[:2])


@pytest.mark.parametrize("ndim", [2, 3])
def test_eight_different_copies_mirror_every_axis(ndim: int) -> None:
    image = np.random.default_rng(0).random((4,) * ndim)
    found = {copy(image).tobytes() for copy in copies(ndim)}
    assert len(found) == COPIES == 8
    assert copies(ndim)[0](image) is not None and np.array_equal(copies(ndim)[0](image), image)
    assert all(any(c.mirrored[a] for c in copies(ndim)) for a in range(ndim))


def test_a_vector_that_does_not_turn_would_be_wrong() -> None:
    labels = np.zeros((9, 12), np.int32)
    labels[2:7, 1:6] = 1
    head, copy = Center(), Copy(True, (True, False))
    turned = head.encode(np.ascontiguousarray(copy(labels)))
    assert not np.allclose(copy.maps_back(turned, ()), head.encode(labels))


class Encoder(torch.nn.Module):
    """A perfect network: its image shows the ids of objects."""

    def __init__(self, head: Head, wrong: bool = False) -> None:
        super().__init__()
        self.head, self.wrong = head, wrong

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        labels = image[0, 0].numpy().astype(np.int32)
        maps = self.head.encode(labels)
        if self.wrong:  # it takes the upper half for background
            maps[:, : len(labels[0]) // 2] = 0
            maps[0, : len(labels[0]) // 2] = 1
        return torch.from_numpy(maps)[None]


def led(head: Head, labels: np.ndarray, wrong: bool = False) -> np.ndarray:
    inference = AugmentedInference(
        Encoder(head, wrong), lambda x: x, 1, torch.device("cpu"), torch.float32,
        Tiling(tile=64, halo=0, mirror=0), head.vectors(labels.ndim), head.foreground,
    )  # fmt: skip
    return drain(inference.steps(labels[None].astype(np.float32)))


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
@pytest.mark.parametrize("shape", [(21, 27), (9, 15, 13)])
def test_a_perfect_network_agrees_with_itself(head: Head, shape: tuple[int, ...]) -> None:
    place = np.indices(shape)
    away = sum((p - n // 2) ** 2 for p, n in zip(place, shape, strict=True))
    labels = np.where(away <= 16, 1, 0)
    labels[..., -3:, -3:] = 2
    labels[:2, ..., -3:] = 0
    maps = led(head, labels)
    assert np.allclose(maps[:-1], head.encode(labels), atol=1e-5)
    assert maps[-1].max() < 1e-3


def test_the_spread_is_large_where_copies_differ() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[4:9, 4:9] = 1
    maps = led(Center(), labels, wrong=True)
    assert maps[-1][labels > 0].mean() > 0.3
    assert maps[-1][labels == 0].max() < 1e-3
