"""A list says why a model is not for an image, and stays silent where it may be."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_tally import Volume
from napari_tally.models.known_models import library
from napari_tally.models.misfit import misfit
from napari_tally.models.probe import Probe


def misfits(volume: Volume) -> dict[str, str]:
    probe = Probe(volume)
    entries = (e for e in library() if e.info is not None and e.ndim is not None)
    found = {e.name: misfit(probe, e.info, e.ndim) for e in entries}
    return {name: reason for name, reason in found.items() if reason}


GREY = np.random.default_rng(0).poisson(20, (9, 64, 64)).astype(np.uint8)


def test_stacks_and_colours_are_told_from_grey_images() -> None:
    found = misfits(Volume(GREY[0], "YX"))
    assert found["nuclei-3d"] == found["hippocampus-mr"] == "it takes stacks"
    assert found["nuclei-histology"] == "it takes RGB images"
    assert "nuclei-2d" not in found


def test_slices_of_a_deep_stack_are_for_a_2d_model_only_one_by_one() -> None:
    assert "one by one" in misfits(Volume(GREY, "ZYX"))["nuclei-2d"]
    assert "nuclei-2d" not in misfits(Volume(GREY[:3], "ZYX"))
    assert "nuclei-3d" not in misfits(Volume(GREY, "ZYX"))


@pytest.mark.parametrize(("spacing", "fits"), [((1.0, 0.5, 0.5), True), ((4.0, 4.0, 4.0), False)])
def test_a_model_of_crops_is_for_images_as_small(spacing, fits) -> None:
    found = misfits(Volume(GREY, "ZYX", spacing, "mm"))
    assert ("hippocampus-mr" not in found) == fits
    assert "hippocampus-mr" in misfits(Volume(GREY, "ZYX")), "without a voxel size"


def test_another_stain_does_not_fit() -> None:
    assert "colours are unlike" in misfits(Volume(data.astronaut(), "YXC"))["nuclei-histology"]


def test_masks_and_empty_images_are_left_to_the_run() -> None:
    for array in (GREY[0] > 20, GREY[0, :0]):
        assert misfits(Volume(array, "YX")) == {}


def test_pixels_of_a_lazy_image_are_read_once() -> None:
    dask = pytest.importorskip("dask.array")
    reads: list[int] = []

    def block(x: np.ndarray) -> np.ndarray:
        reads.append(x.size)
        return x

    lazy = dask.from_array(np.stack([data.astronaut()] * 4), chunks=(1, 512, 512, 3))
    image = Volume(
        lazy.map_blocks(block, dtype=np.uint8, meta=np.empty((0,) * 4, np.uint8)), "TYXC"
    )
    probe = Probe(image)
    for entry in library() * 2:
        misfit(probe, entry.info, entry.ndim)
    assert len(reads) == 1
