"""FreeSurfer's images are read with their affine."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_tally import read
from napari_tally.core.errors import FileError
from napari_tally.files import read_header
from napari_tally.geometry.orientation import orientation

WORLD = np.array([[-1.0, 0, 0, 90], [0, 0, 1.5, -120], [0, -2.0, 0, 70], [0, 0, 0, 1]])
VOXELS = np.arange(120, dtype=np.int16).reshape(4, 5, 6)


@pytest.mark.parametrize("suffix", [".mgz", ".mgh"])
def test_voxels_and_their_places_are_those_of_nibabel(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    nibabel.MGHImage(VOXELS, WORLD).to_filename(path)
    found = read(path)
    np.testing.assert_array_equal(found.array, VOXELS.transpose())
    assert (found.axes, found.unit, orientation(found)) == ("ZYX", "mm", "LIA")
    np.testing.assert_allclose(found.spacing, (1.5, 2, 1))
    superior, posterior, left = (found.affine @ [3, 2, 1, 1])[:3]
    np.testing.assert_allclose((-left, -posterior, superior), (WORLD @ [1, 2, 3, 1])[:3])
    assert found.array.dtype.isnative


def test_a_cut_file_and_one_that_claims_too_much_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 9999, (30, 30, 30)).astype(np.int32)
    for suffix in (".mgz", ".mgh"):
        path = tmp_path / f"a{suffix}"
        nibabel.MGHImage(noise, WORLD).to_filename(path)
        path.write_bytes(path.read_bytes()[:20_000])
        with pytest.raises(FileError, match=r"The MGH file .* is damaged"):
            read(path)
    data = bytearray(path.read_bytes())
    data[4:16] = np.array([30_000] * 3, ">i4").tobytes()
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"claims 108\.0 TB \(30000 x 30000 x 30000 x 1 of int32\)"):
        read_header(path)


def test_a_segmentation_of_few_regions_is_labels(tmp_path: Path) -> None:
    regions = np.zeros((4, 5, 6), np.uint8)
    regions[1, 1, 1] = 17
    nibabel.MGHImage(regions, WORLD).to_filename(tmp_path / "aseg.mgz")
    assert read(tmp_path / "aseg.mgz").is_labels
