"""Blocks of any size give the same objects as the maps of the whole image."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei

import napari_tally
from napari_tally import load_model
from napari_tally.api.inputs import as_volume
from napari_tally.core.errors import FileError
from napari_tally.core.progress import drain
from napari_tally.geometry.resample import resampled_part, resampled_slabs
from napari_tally.metrics.match import match, mean_ap
from napari_tally.segmentation.maps import blockwise
from napari_tally.segmentation.maps import kept_maps as maps_module
from napari_tally.segmentation.maps.blockwise import (
    blocks,
    classes_by_block_steps,
    objects_by_block_steps,
)
from napari_tally.segmentation.maps.decoded_objects import DecodedObjects
from napari_tally.segmentation.segment import separate_steps
from napari_tally.simulate.nuclei import NucleiField


def ap(one: np.ndarray, other: np.ndarray) -> float:
    return float(mean_ap([match(one, other)])[0])


@pytest.mark.parametrize(
    ("shape", "halo", "voxels"), [((100, 37), 8, 900), ((20, 50, 41), 4, 4000), ((5, 5), 30, 100)]
)
def test_cores_cover_the_image_once_and_lie_in_their_halos(shape, halo, voxels) -> None:
    count = np.zeros(shape, int)
    for block in blocks(shape, halo, voxels):
        count[block.core] += 1
        part = np.zeros([o.stop - o.start for o in block.outer])
        assert part[block.inner].shape == count[block.core].shape
        for core, outer, size in zip(block.core, block.outer, shape, strict=True):
            assert outer.start == max(0, core.start - halo)
            assert outer.stop == min(size, core.stop + halo)
    assert (count == 1).all()


@pytest.fixture
def block(monkeypatch):
    """Set the number of voxels of a block."""
    return lambda voxels: monkeypatch.setitem(blockwise._VOXELS, 2, voxels)


@pytest.mark.parametrize("voxels", [3000, 9000, 10**6])
def test_objects_across_blocks_are_complete_and_unique(voxels: int, block) -> None:
    block(voxels)
    ground_truth = nuclei((200, 240))[1]
    maps = ground_truth[None].astype(np.float32)
    whole = drain(objects_by_block_steps(maps, lambda part: found(part[0]), 14))
    labels = whole.labels
    assert labels.max() == ground_truth.max()
    assert np.array_equal(labels > 0, ground_truth > 0)
    pairs = set(zip(labels.ravel().tolist(), ground_truth.ravel().tolist(), strict=True))
    assert len(pairs) == ground_truth.max() + 1
    assert whole.cut == 0
    assert all(whole.evidence[a - 1, 0] == b for a, b in pairs if a)  # each goes with its object


def test_objects_larger_than_their_block_are_counted(block) -> None:
    block(400)
    maps = np.ones((1, 80, 90), np.float32)
    assert drain(objects_by_block_steps(maps, lambda part: found(part[0]), 4)).cut > 0


def test_classes_of_blocks_have_no_seams(block) -> None:
    block(1500)
    ground_truth = nuclei((120, 130))[1] % 3
    maps = ground_truth[None].astype(np.float32)
    found = drain(classes_by_block_steps(maps, lambda part: part[0].astype(int)))
    assert np.array_equal(found, ground_truth)


def test_a_segmentation_by_block_finds_the_same_objects(block) -> None:
    block(200**2)
    image = nuclei((300, 340), diameter=20)[0]
    whole = napari_tally.segment(image)
    streamed = napari_tally.segment(image, max_maps_gib=1e-4, keep_maps=True)
    assert whole.count > 50 and ap(streamed.labels, whole.labels) >= 0.995
    assert streamed.maps is not None and streamed.maps.on_disk > 0
    again = separate_steps(as_volume(image), load_model(), streamed.options, streamed)
    assert np.array_equal(drain(again).labels, streamed.labels)


def test_a_stack_by_block_has_the_same_objects(monkeypatch) -> None:
    field = NucleiField(shape=(40, 90, 90), spacing_um=(0.5,) * 3, diameter_um=8, count=60, seed=2)
    image = field.draw()[0]
    options = {"model": "nuclei-3d", "spacing": "0.5um", "object_size": "16px"}
    whole = napari_tally.segment(image, **options)
    monkeypatch.setitem(blockwise._VOXELS, 3, 75**3)
    streamed = napari_tally.segment(image, **options, max_maps_gib=1e-3)
    assert whole.count > 20
    assert ap(streamed.labels, whole.labels) >= 0.95  # one object of some thirty may differ


def test_blocks_start_at_multiples_of_the_stride() -> None:
    parts = blocks((300, 500), 20, 150**2, align=16)
    assert len(parts) > 4
    for block in parts:
        for core, outer in zip(block.core, block.outer, strict=True):
            assert outer.start % 16 == 0 and core.start - outer.start >= min(20, core.start)


def test_a_full_disk_is_refused_before_the_network_runs(monkeypatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(maps_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(FileError, match="temporary files"):
        napari_tally.segment(nuclei()[0], max_maps_gib=1e-4)


def test_a_part_is_resampled_like_the_whole() -> None:
    image = np.random.default_rng(0).random((2, 20, 31, 17)).astype(np.float32)
    for shape in ((20, 31, 17), (35, 31, 9), (7, 60, 17)):
        whole = np.concatenate([slab for _, slab in resampled_slabs(image, shape)], 1)
        part = tuple(slice(n // 4, n - n // 3) for n in shape)
        found = resampled_part(image, shape, part, lambda cut: cut.astype(np.float32))
        assert np.allclose(found, whole[(slice(None), *part)], atol=1e-6)


def found(labels: np.ndarray) -> DecodedObjects:
    """Return the objects of a block with consecutive ids, and their ids in the whole."""
    ids, own = np.unique(np.append(0, labels), return_inverse=True)
    return DecodedObjects(own[1:].reshape(labels.shape), ids[1:, None])
