"""NIfTI keeps voxels, position, units and axes; problems of a file are reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from volumes import assert_same, numbered, oblique

from napari_tally import read, write
from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.geometry.orientation import orientation

SUFFIXES = [".nii", ".nii.gz"]
# (x, y, z) to right, anterior, superior: turned, and longer along z
WORLD = np.array([[0, -2.0, 0, 10], [0.5, 0, 0, 20], [0, 0, 3.0, 30], [0, 0, 0, 1]])


def saved(
    path: Path, data: np.ndarray, affine: np.ndarray | None = WORLD, **header: object
) -> Path:
    """Write a file with nibabel, with fields of its header changed at last."""
    image = nibabel.Nifti1Image(data, affine, dtype=data.dtype)
    if affine is not None:
        image.header.set_xyzt_units("mm")
    for key, value in header.items():
        image.header[key] = value
    image.to_filename(path)
    return path


def patched(path: Path, **fields: object) -> Path:
    """Change fields of a header that nibabel would mend if it wrote them."""
    header = nibabel.load(path).header
    for key, value in fields.items():
        header[key] = value
    with path.open("r+b") as file:
        file.write(header.binaryblock)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "volume",
    [
        oblique(),
        oblique("TZYX"),
        oblique("CZYX", channel_names=("T1", "T2")),
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
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_unit_that_nifti_lacks_becomes_one_it_has(tmp_path: Path) -> None:
    write(numbered(spacing=(500.0, 100.0, 100.0), unit="nm"), tmp_path / "a.nii")
    found = read(tmp_path / "a.nii")
    np.testing.assert_allclose(found.spacing_in("nm"), (500, 100, 100), rtol=1e-6)
    assert found.unit == "mm"


def test_voxel_positions_are_those_of_nibabel(tmp_path: Path) -> None:
    data = np.zeros((4, 5, 6), np.int16)
    data[1, 2, 3] = 7
    found = read(saved(tmp_path / "a.nii.gz", data))
    at = np.argwhere(np.asarray(found.array) == 7)[0]
    superior, posterior, left = (found.affine @ [*at, 1])[:3]
    right_anterior_superior = (WORLD @ [1, 2, 3, 1])[:3]
    np.testing.assert_allclose((-left, -posterior, superior), right_anterior_superior)
    assert (found.spacing, found.unit, found.axes) == ((3.0, 2.0, 0.5), "mm", "ZYX")


def test_the_orientation_is_that_of_the_voxels_axes(tmp_path: Path) -> None:
    assert orientation(read(saved(tmp_path / "a.nii", np.zeros((4, 5, 6), "u1")))) == "ALS"
    write(read(tmp_path / "a.nii"), tmp_path / "b.nii")
    assert nibabel.aff2axcodes(nibabel.load(tmp_path / "b.nii").affine) == ("A", "L", "S")


def test_numbers_are_scaled_as_the_header_says(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    for suffix in SUFFIXES:
        path = tmp_path / f"a{suffix}"
        image = nibabel.Nifti1Image(data, WORLD)
        image.header.set_slope_inter(0.5, -10)
        image.to_filename(path)
        stored = nibabel.load(path)
        expected = stored.get_fdata().transpose()
        found = read(path)
        assert found.array.dtype == np.float32
        np.testing.assert_allclose(np.asarray(found.array), expected, rtol=1e-6)
        np.testing.assert_allclose(np.asarray(found.array[1]), expected[1], rtol=1e-6)


def test_a_file_without_compression_is_not_read_until_it_is_needed(tmp_path: Path) -> None:
    array = read(saved(tmp_path / "a.nii", np.zeros((4, 5, 6), np.int16))).array
    assert isinstance(array, np.memmap)


def test_foreign_byte_order_and_colours_are_read(tmp_path: Path) -> None:
    data = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    header = nibabel.Nifti1Header(endianness=">")
    nibabel.Nifti1Image(data, WORLD, header).to_filename(tmp_path / "big.nii")
    found = read(tmp_path / "big.nii")
    assert found.array.dtype.isnative
    np.testing.assert_array_equal(np.asarray(found.array), data.transpose())
    colours = np.zeros((4, 5, 6), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["G"][1, 2, 3] = 9
    found = read(saved(tmp_path / "rgb.nii", colours))
    assert (found.axes, found.channel_names) == ("ZYXC", ("red", "green", "blue"))
    assert found.array[3, 2, 1, 1] == 9


def fourth(path: Path, **header: object) -> Path:
    return saved(path, np.zeros((4, 5, 6, 3), np.int16), **header)


def test_the_header_defines_whether_the_fourth_axis_is_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(fourth(tmp_path / "a.nii", xyzt_units=2 + 8)).axes == "TZYX"
    assert read(fourth(tmp_path / "a.nii", xyzt_units=2 + 8, intent_code=1007)).axes == "CZYX"
    assert not caplog.records
    assert read(fourth(tmp_path / "a.nii", xyzt_units=2)).axes == "CZYX"
    assert "does not define the fourth axis" in caplog.text
    assert read(tmp_path / "a.nii", axes="tzyx").axes == "TZYX"
    with pytest.raises(InputError, match="one letter of TCZYX"):
        read(tmp_path / "a.nii", axes="ZYX")


def test_labels_are_written_as_labels_in_the_smallest_type(tmp_path: Path) -> None:
    for most, dtype in ((200, "uint8"), (300, "int16"), (40_000, "uint16"), (70_000, "int32")):
        labels = np.zeros((4, 5, 6), np.uint32)
        labels[0, 0, 0] = most
        write(Volume(labels, "ZYX", is_labels=True), tmp_path / "a.nii.gz")
        image = nibabel.load(tmp_path / "a.nii.gz")
        assert image.get_data_dtype() == dtype
        assert image.header.get_intent()[0] == "label"
        assert image.get_fdata().max() == most


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_an_affine_of_nothing_leaves_the_size_of_a_voxel(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: np.ndarray
) -> None:
    rows = {f"srow_{axis}": row for axis, row in zip("xyz", wrong, strict=False)}
    path = saved(tmp_path / "a.nii", np.zeros((4, 5, 6), "u1"))
    found = read(patched(path, sform_code=1, qform_code=0, **rows))
    assert found.spacing == (3.0, 2.0, 0.5)
    assert found.affine is None
    assert "a.nii: the affine is zero or not a number" in caplog.text
    assert not read(patched(path, pixdim=np.zeros(8))).calibrated
    assert "the spacing of Z is 0 mm; read as uncalibrated" in caplog.text


def test_the_qform_counts_where_the_sform_is_none(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", np.zeros((4, 5, 6), "u1"))
    image = nibabel.load(path)
    image.set_sform(None, code=0)
    image.set_qform(WORLD, code=1)
    image.to_filename(tmp_path / "b.nii")
    np.testing.assert_allclose(read(tmp_path / "b.nii").affine, read(path).affine, atol=1e-5)


def test_an_empty_header_is_no_calibration(tmp_path: Path) -> None:
    assert not read(saved(tmp_path / "a.nii", np.zeros((4, 5, 6), "u1"), None)).calibrated


def test_an_implausible_spacing_gets_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path / "a.nii", np.zeros((4, 5, 6), "u1"), np.diag([1e6, 1.0, 1.0, 1.0]))
    assert read(path).spacing == (1.0, 1.0, 1e6)
    assert "the spacing of X is 1e+06 mm, which is implausible" in caplog.text


def test_a_slice_one_voxel_thick_stays_a_stack(tmp_path: Path) -> None:
    found = read(saved(tmp_path / "a.nii", np.zeros((4, 5, 1), "u1")))
    assert (found.axes, found.shape) == ("ZYX", (1, 5, 4))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 40), np.uint8)
    for suffix in SUFFIXES:
        path = saved(tmp_path / f"a{suffix}", noise)
        path.write_bytes(path.read_bytes()[:20_000])
        with pytest.raises(FileError, match=r"The NIfTI file .* is damaged") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    (tmp_path / "b.nii.gz").write_bytes(b"no gzip at all")
    with pytest.raises(FileError, match=r"b\.nii\.gz"):
        read(tmp_path / "b.nii.gz")


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="complex64, not integers"):
        read(saved(tmp_path / "a.nii", np.zeros((4, 5, 6), np.complex64)))
    with pytest.raises(InputError, match="cannot hold an array of complex64"):
        write(numbered(dtype=np.complex64), tmp_path / "b.nii")
    with pytest.raises(InputError, match="Labels must be integers"):
        write(Volume(np.full((3, 4), 0.5), "YX", is_labels=True), tmp_path / "b.nii")


def test_a_real_image_and_its_labels_share_their_place(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "hippocampus-mr"
    name = sorted((folder / "images").glob("*.nii.gz"))[0].name
    image, labels = read(folder / "images" / name), read(folder / "labels" / name)
    assert image.shape == labels.shape
    assert (image.spacing, image.unit, orientation(image)) == ((1.0, 1.0, 1.0), "mm", "RAS")
    np.testing.assert_allclose(image.affine, labels.affine)
    write(replace(labels, is_labels=True), tmp_path / "b.nii.gz")
    assert_same(read(tmp_path / "b.nii.gz"), replace(labels, is_labels=True))
    flair = read(shared_data / "ms-lesions" / "patient19_flair.nii.gz")
    assert (flair.shape, orientation(flair)) == ((182, 218, 182), "LAS")
