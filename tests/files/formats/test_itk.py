"""NRRD and MetaImage keep voxels, position, channels and axes."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from volumes import assert_same, numbered, oblique

from napari_tally import read, write
from napari_tally.core.errors import FileError

if TYPE_CHECKING:
    from napari_tally.core.volume import Volume

SimpleITK = pytest.importorskip("SimpleITK")
SUFFIXES = [".nrrd", ".mha", ".mhd"]


def saved(path: Path, array: np.ndarray, **place: tuple[float, ...]) -> Path:
    """Write a file with SimpleITK itself."""
    image = SimpleITK.GetImageFromArray(array)
    for key, value in place.items():
        getattr(image, f"Set{key}")(value)
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "volume",
    [
        oblique(),
        oblique("TZYX"),
        oblique("CZYX", channel_names=("T1", 'T2 "late"')),
        oblique("TCZYX"),
        oblique("ZYXC"),
        numbered("ZYX", np.float32, spacing=(2.0, 0.3, 0.3), unit="um"),
        numbered("ZYX", np.uint16),
        numbered("YX", np.uint8, spacing=(0.5, 0.25), unit="mm"),
        numbered("TYX", np.float64, spacing=(0.5, 0.25), unit="um"),
        numbered("CYX", np.int64),
        oblique(dtype=np.uint8, is_labels=True),
    ],
    ids=lambda v: f"{v.axes}-{v.array.dtype}-{v.unit}{'-labels' * v.is_labels}",
)
def test_a_written_file_is_read_again(tmp_path: Path, volume: Volume, suffix: str) -> None:
    path = tmp_path / f"brain{suffix}"
    write(volume, path)
    assert_same(read(path), replace(volume, name=path.name))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_voxel_positions_are_those_of_simpleitk(tmp_path: Path, suffix: str) -> None:
    array = np.zeros((4, 5, 6), np.int16)
    array[1, 2, 3] = 7
    turned = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    place = {"Spacing": (0.5, 2.0, 3.0), "Origin": (10.0, 20.0, 30.0), "Direction": turned}
    path = saved(tmp_path / f"a{suffix}", array, **place)
    found = read(path)
    at = np.argwhere(np.asarray(found.array) == 7)[0]
    left_posterior_superior = (found.affine @ [*at, 1])[2::-1]
    expected = SimpleITK.ReadImage(str(path)).TransformIndexToPhysicalPoint((3, 2, 1))
    np.testing.assert_allclose(left_posterior_superior, expected)
    assert (found.spacing, found.unit) == ((3.0, 2.0, 0.5), "mm")


def test_a_micrometre_is_a_thousandth_of_a_millimetre_for_other_programs(tmp_path: Path) -> None:
    write(numbered(spacing=(2.0, 0.3, 0.3), unit="um"), tmp_path / "a.nrrd")
    found = SimpleITK.ReadImage(str(tmp_path / "a.nrrd")).GetSpacing()
    np.testing.assert_allclose(found, (3e-4, 3e-4, 2e-3))


def test_an_empty_header_is_no_calibration(tmp_path: Path) -> None:
    assert not read(saved(tmp_path / "a.mha", np.zeros((4, 5, 6), np.uint8))).calibrated


def test_an_undefined_fourth_axis_is_read_as_channels_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = SimpleITK.GetImageFromArray(np.zeros((2, 4, 5, 6), np.uint8), isVector=False)
    SimpleITK.WriteImage(image, str(tmp_path / "a.mha"))
    assert read(tmp_path / "a.mha").axes == "CZYX"
    assert "does not define the fourth axis" in caplog.text
    assert read(tmp_path / "a.mha", axes="TZYX").axes == "TZYX"


def damaged(path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 40), np.uint8)
    saved(path, noise)
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    for path in (damaged(tmp_path / "a.nrrd"), damaged(tmp_path / "a.mha")):
        with pytest.raises(FileError, match=r"MetaImage file .* cannot be read") as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert "0x" not in str(caught.value)


def test_a_header_without_its_data_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "a.mhd", np.zeros((4, 5, 6), np.uint8))
    (tmp_path / "a.raw").unlink()
    with pytest.raises(FileError, match=r"data file that an \.mhd has"):
        read(tmp_path / "a.mhd")


def test_a_spacing_of_zero_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mha", np.zeros((4, 5, 6), np.uint8))
    path.write_bytes(
        path.read_bytes().replace(b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1 0")
    )
    with pytest.raises(FileError, match="Zero-valued spacing"):
        read(path)


def test_the_extra_is_named_if_the_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "a.mha", np.zeros((4, 5, 6), np.uint8))
    without = lambda name: None if name == "SimpleITK" else find_spec(name)  # noqa: E731
    monkeypatch.setattr("napari_tally.files.formats.format.find_spec", without)
    with pytest.raises(FileError, match=r"napari-tally\[dicom\]"):
        read(tmp_path / "a.mha")
