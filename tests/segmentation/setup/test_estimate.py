"""Estimated needs of a run."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally import Volume
from napari_tally.core.errors import InputError
from napari_tally.models.bundle import model_folder, read_info
from napari_tally.segmentation.setup.estimate import Needs, needs
from napari_tally.segmentation.setup.options import SegmentOptions


def need(model: str, shape: tuple[int, ...], ndim: int, **options: object) -> Needs:
    array = np.broadcast_to(np.uint16(0), shape)
    volume = Volume(array, "ZYX"[-len(shape) :], (0.5,) * len(shape), "um")
    return needs(volume, read_info(model_folder(model)), ndim, SegmentOptions(**options))


def test_memory_is_about_what_was_measured() -> None:
    # benchmarks/memory.py and volume.py: 83 bytes a pixel in 2D, 80 a voxel in 3D
    assert need("nuclei-2d", (2048, 2048), 2).memory == pytest.approx(83 * 2048**2, rel=0.3)
    whole = need("nuclei-3d", (256, 512, 512), 3, max_maps_gib=100)
    assert whole.memory == pytest.approx(80 * 256 * 512 * 512, rel=0.3)


def test_a_stack_with_a_2d_model_takes_three_views_or_one() -> None:
    shape = (40, 60, 70)
    assert need("nuclei-2d", shape, 2, stack="slices").voxels == np.prod(shape)
    assert need("nuclei-2d", shape, 2, stack="views").voxels == 3 * np.prod(shape)


def test_a_given_object_size_counts() -> None:
    large = need("nuclei-2d", (1000, 1000), 2, object_size="240px")
    assert large.voxels == pytest.approx(0.01 * 1000**2)


def test_huge_stacks_are_processed_by_block_and_need_less() -> None:
    shape = (512, 1024, 1024)
    by_block, whole = (need("nuclei-3d", shape, 3, max_maps_gib=g) for g in (1, 1000))
    assert by_block.streamed and not whole.streamed
    assert by_block.memory < 0.2 * whole.memory


def test_an_image_for_a_model_of_stacks_is_refused() -> None:
    with pytest.raises(InputError, match="takes stacks"):
        need("nuclei-3d", (50, 60), 3)
