"""Objects of every head do not depend on the origin of an image, nor on the blocks of decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_tally.core.progress import drain
from napari_tally.heads import Boundary, Center, Distance, Flow
from napari_tally.metrics.match import match
from napari_tally.segmentation.maps import blockwise
from napari_tally.segmentation.maps.stack_strategies import StackStrategy
from napari_tally.simulate.nuclei import NucleiField

if TYPE_CHECKING:
    from napari_tally.heads.base import Head

WHOLE = StackStrategy()
HEADS = [Boundary(), Center(), Distance(), Flow()]
FIELDS = {
    2: NucleiField(shape=(300, 280), diameter_um=10, count=140, touching=0.9),
    3: NucleiField(shape=(40, 90, 84), spacing_um=(1, 1, 1), diameter_um=13, count=120),
}
NOISE, LEAST, CONTEXT = 0.05, 20, 16


@pytest.fixture(scope="module", params=[2, 3])
def labels(request) -> np.ndarray:
    return FIELDS[request.param].draw()[1]


def noisy(head: Head, labels: np.ndarray) -> np.ndarray:
    """Return the maps of labels with smooth noise, as networks predict them."""
    maps, rng = head.encode(labels), np.random.default_rng(0)
    vectors = head.vectors(labels.ndim)
    for number, channel in enumerate(maps):
        noise = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += NOISE * (3 if number in vectors else 1) * noise / noise.std()
    return maps


def the_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether objects match one to one at an IoU of 0.9, with unique ids."""
    return len(np.unique(one)) == one.max() + 1 and match(one, other, [0.9])[0].ap >= 0.995


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
def test_objects_do_not_depend_on_the_origin_of_the_image(head, labels) -> None:
    maps = noisy(head, labels)
    whole = WHOLE.decode(maps, head, LEAST)
    assert whole.max() > 20
    assert match(whole, labels, [0.5])[0].ap > 0.9
    before = (11, 37, 5)[: labels.ndim]
    empty = np.zeros((len(maps), *(n + b for n, b in zip(labels.shape, before, strict=True))))
    empty[0] = 1
    empty[(slice(None), *(slice(b, None) for b in before))] = maps
    shifted = WHOLE.decode(empty, head, LEAST)[tuple(slice(b, None) for b in before)]
    assert the_same(shifted, whole)


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
def test_objects_do_not_depend_on_the_blocks_they_are_decoded_in(head, labels, monkeypatch) -> None:
    maps = noisy(head, labels)
    whole = WHOLE.decode(maps, head, LEAST)
    monkeypatch.setattr(blockwise, "_VOXELS", {2: 120**2, 3: 66**3})
    halo = int(FIELDS[labels.ndim].diameter_um / min(FIELDS[labels.ndim].spacing_um)) + CONTEXT
    assert len(blockwise.blocks(labels.shape, halo)) >= 4

    def decode(part: np.ndarray):
        return WHOLE.decode_objects(head.split_maps(part, labels.ndim), head, LEAST)

    found = drain(blockwise.objects_by_block_steps(maps, decode, halo))
    assert found.cut == 0
    assert the_same(found.labels, whole)
