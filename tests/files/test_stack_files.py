"""A folder of slices is one image with --stack; of several images in a TIFF one is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_tally import read, write
from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.files import list_series
from napari_tally.files.stack_files import read_stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of twelve slices, named slice0 to slice11."""
    for z in range(12):
        plane = np.full((4, 5), z, np.uint8)
        write(Volume(plane, "YX", (0.5, 0.5), "um"), tmp_path / "slices" / f"slice{z}.tif")
    return tmp_path / "slices"


def test_slices_follow_the_numbers_in_their_names(folder: Path) -> None:
    found = read_stack(folder)
    assert (found.axes, found.shape, found.calibrated) == ("ZYX", (12, 4, 5), False)
    assert not isinstance(found.array, np.ndarray)
    assert list(np.asarray(found.array)[:, 0, 0]) == list(range(12))


def test_frames_keep_their_calibration_and_channels_get_names(folder: Path) -> None:
    frames, channels = read_stack(folder, "t"), read_stack(folder, "C")
    assert (frames.axes, frames.spacing) == ("TYX", (0.5, 0.5))
    assert channels.channel_names[10] == "slice10"


def test_a_folder_is_not_stacked_without_the_option(folder: Path) -> None:
    with pytest.raises(FileError, match="--stack Z"):
        read(folder)


def test_slices_that_differ_are_refused(folder: Path, tmp_path: Path) -> None:
    write(Volume(np.zeros((4, 6), np.uint8), "YX"), folder / "slice5.tif")
    with pytest.raises(InputError, match=r"slice5\.tif"):
        np.asarray(read_stack(folder).array)
    with pytest.raises(InputError, match="'Y'"):
        read_stack(folder, "Y")
    with pytest.raises(FileError, match="has no images"):
        read_stack(tmp_path)


def test_an_image_of_a_tiff_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(np.zeros((9, 8), np.uint8))
        tif.write(np.ones((3, 20, 30), np.uint16), photometric="minisblack")
    assert [s.key for s in list_series(path)] == ["1", "2"]
    assert read(path).shape == (3, 20, 30)
    assert read(path, series="1").shape == (9, 8)
    with pytest.raises(InputError, match="no series '3'"):
        read(path, series="3")
    write(Volume(np.zeros((4, 5), np.uint8), "YX"), tmp_path / "b.png")
    with pytest.raises(InputError, match="picture files hold one image"):
        read(tmp_path / "b.png", series="1")


def test_channels_are_brought_to_the_place_of_the_first(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    plain, turned = np.eye(4), np.diag([1.0, 1, -1, 1])
    turned[2, 3] = 3
    away = np.array(plain)
    away[2, 3] = 0.5
    for name, values, affine in (("a", array, plain), ("b", array[..., ::-1], turned),
                                 ("c", array, away)):  # fmt: skip
        write(Volume(values, "ZYX", (1.0,) * 3, "mm", affine), tmp_path / f"{name}.nii.gz")
    files = [tmp_path / f"{name}.nii.gz" for name in "abc"]
    found = np.asarray(read_stack(files[:2], "C").array)
    np.testing.assert_array_equal(found, [array, array])
    with pytest.raises(InputError, match=r"differ in position by up to 0\.5 mm"):
        np.asarray(read_stack(files, "C").array)
    resampled = np.asarray(read_stack(files, "C", resample=True).array)[2]
    assert resampled.dtype == np.int16
    np.testing.assert_array_equal(resampled[..., 1:], np.rint(array[..., 1:] - 0.5))
