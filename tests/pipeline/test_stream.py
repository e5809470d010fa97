"""Block by block: the same objects as from the maps of the whole, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei

import napari_tally
from napari_tally.core.progress import drain
from napari_tally.geometry.resample import resampled_part, resampled_slabs
from napari_tally.objects.match import match, mean_ap
from napari_tally.pipeline import stream as stream_module
from napari_tally.pipeline.stream import Stream, blocks


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


class Known:
    """Stands for a network: the maps are the image itself."""

    def steps(self, image: np.ndarray):
        yield from ()
        return image


@pytest.mark.parametrize("voxels", [3000, 9000, 10**6])
def test_objects_cut_by_blocks_come_out_whole_and_once(voxels: int) -> None:
    truth = nuclei((200, 240))[1]
    stream = Stream(Known(), lambda maps: _relabelled(maps[0]), True, 14, voxels)
    found = drain(stream.steps(truth.shape, lambda part: truth[part][None].astype(np.float32)))
    assert found.max() == truth.max()
    assert np.array_equal(found > 0, truth > 0)
    pairs = {(a, b) for a, b in zip(found.ravel().tolist(), truth.ravel().tolist(), strict=True)}
    assert len(pairs) == truth.max() + 1
    assert stream.cut == 0


def test_objects_larger_than_their_block_are_counted() -> None:
    stream = Stream(Known(), lambda maps: maps[0].astype(int), True, 4, 400)
    image = np.ones((80, 90), np.float32)
    drain(stream.steps(image.shape, lambda part: image[part][None]))
    assert stream.cut > 0


def test_classes_are_put_together_without_seams() -> None:
    truth = nuclei((120, 130))[1] % 3
    stream = Stream(Known(), lambda maps: maps[0].astype(int), False, 6, 1500)
    found = drain(stream.steps(truth.shape, lambda part: truth[part][None].astype(np.float32)))
    assert np.array_equal(found, truth)


def test_a_segmentation_by_block_finds_the_same_objects(monkeypatch) -> None:
    monkeypatch.setitem(stream_module._VOXELS, 2, 200**2)
    image = nuclei((300, 340), diameter=20)[0]
    whole = napari_tally.segment(image)
    streamed = napari_tally.segment(image, max_maps_gib=1e-4, keep_maps=True)
    assert whole.count > 50 and ap(streamed.labels, whole.labels) >= 0.995
    assert streamed.maps is None
    assert any("block by block" in note for note in streamed.notes)


def test_a_part_is_resampled_as_the_whole_is() -> None:
    image = np.random.default_rng(0).random((2, 20, 31, 17)).astype(np.float32)
    for shape in ((20, 31, 17), (35, 31, 9), (7, 60, 17)):
        whole = np.concatenate([slab for _, slab in resampled_slabs(image, shape)], 1)
        part = tuple(slice(n // 4, n - n // 3) for n in shape)
        found = resampled_part(image, shape, part, lambda cut: cut.astype(np.float32))
        assert np.allclose(found, whole[(slice(None), *part)], atol=1e-6)


def _relabelled(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
