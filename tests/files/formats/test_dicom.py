"""A DICOM series is one volume with position and Hounsfield units, without patient data."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
pytest.importorskip("SimpleITK")

from dicoms import PATIENT, along, save_enhanced, save_series, save_slice
from pydicom import dcmread
from pydicom.data import get_testdata_file

from napari_tally import read, write
from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.files.expand_inputs import expand
from napari_tally.files.formats.dicom import list_series
from napari_tally.geometry.orientation import orientation

STACK = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
TURN = np.radians(25.0)
TILTED = (1.0, 0.0, 0.0, 0.0, float(np.cos(TURN)), float(np.sin(TURN)))


def test_slices_are_sorted_and_spaced_by_position(tmp_path: Path) -> None:
    save_series(tmp_path / "ct", STACK, along(6))
    found = read(tmp_path / "ct")
    assert (found.axes, found.unit) == ("ZYX", "mm")
    np.testing.assert_allclose(found.spacing, (2.5, 0.8, 0.7))
    np.testing.assert_array_equal(np.asarray(found.array), STACK)
    np.testing.assert_allclose(found.affine @ [1, 2, 3, 1], [32.5, 21.6, -7.9, 1])
    assert orientation(found) == "LPS"


def test_any_file_stands_for_its_series(tmp_path: Path) -> None:
    paths = save_series(tmp_path, STACK, along(6))
    save_series(tmp_path, STACK[:2], along(2), prefix="other", SeriesNumber=5)
    np.testing.assert_array_equal(np.asarray(read(paths[3]).array), STACK)
    bare = paths[2].rename(tmp_path / "IM2")
    np.testing.assert_array_equal(np.asarray(read(bare).array), STACK)


def test_numbers_are_rescaled_and_read_when_needed(tmp_path: Path) -> None:
    save_series(tmp_path / "ct", STACK, along(6), RescaleSlope=2, RescaleIntercept=-1024)
    array = read(tmp_path / "ct").array
    assert not isinstance(array, np.ndarray)
    assert array.dtype.kind == "i"
    np.testing.assert_array_equal(np.asarray(array), STACK * 2 - 1024)
    for number, path in enumerate(sorted((tmp_path / "ct").iterdir())):
        header = dcmread(path)
        header.RescaleSlope = 0.5 + number  # as in PET
        header.save_as(path)
    mixed = read(tmp_path / "ct").array
    assert mixed.dtype == np.float32
    assert np.unique(np.asarray(mixed)).size > 50


def test_a_tilted_series_stays_tilted(tmp_path: Path) -> None:
    normal = np.cross(TILTED[:3], TILTED[3:])
    save_series(tmp_path / "mr", STACK, along(6, tuple(3.0 * normal)), TILTED)
    found = read(tmp_path / "mr")
    np.testing.assert_allclose(found.spacing, (3.0, 0.8, 0.7), rtol=1e-5)
    down_the_rows = (found.affine[:3, 1] / 0.8)[::-1]
    np.testing.assert_allclose(down_the_rows, TILTED[3:], atol=1e-6)
    # a tilted gantry: the slices do not lie above each other
    save_series(tmp_path / "ct", STACK, along(6), TILTED)
    np.testing.assert_allclose(read(tmp_path / "ct").affine[:3, 0], (2.5, 0, 0), atol=1e-6)


def test_slices_from_the_head_down_are_sorted_upwards(tmp_path: Path) -> None:
    save_series(tmp_path / "ct", STACK, along(6, (0, 0, -2.5)))
    found = read(tmp_path / "ct")
    np.testing.assert_array_equal(np.asarray(found.array), STACK[::-1])
    assert found.affine[0, 3] == 17.5


def test_several_series_are_listed_and_one_is_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    save_series(folder, STACK, along(6), SeriesNumber=3, SeriesDescription="axial")
    save_series(folder, STACK[:2], along(2), prefix="b", SeriesNumber=11, Modality="MR")
    assert [s.key for s in list_series(folder)] == ["3", "11"]
    with pytest.raises(InputError, match="CT, axial, 6 of 4 x 5") as caught:
        read(folder)
    assert "--series 3" in str(caught.value)
    assert read(folder, series="11").shape == (2, 5, 4)
    with pytest.raises(InputError, match="'12'"):
        read(folder, series="12")


def test_a_series_without_an_identifier_is_one_too(tmp_path: Path) -> None:
    save_series(tmp_path / "a", STACK, along(6), SeriesInstanceUID="", SeriesNumber=None)
    assert read(tmp_path / "a").shape == (6, 5, 4)
    assert read(next((tmp_path / "a").iterdir())).shape == (6, 5, 4)


def test_one_file_with_many_frames_is_sorted_too(tmp_path: Path) -> None:
    order = [2, 0, 5, 1, 4, 3]
    path = save_enhanced(tmp_path / "mr.dcm", STACK[order], along(6)[order])
    for named in (path, tmp_path):
        found = read(named)
        np.testing.assert_array_equal(np.asarray(found.array), STACK)
        np.testing.assert_allclose(found.spacing, (2.5, 0.8, 0.7))
        assert found.affine[0, 3] == 30


def test_a_report_and_a_dose_sheet_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_series(tmp_path / "ct", STACK, along(6))
    for name in ("test-SR.dcm", "rtdose.dcm"):
        shutil.copy(get_testdata_file(name, download=False), tmp_path / "ct")
    save_slice(
        tmp_path / "ct" / "sheet.dcm", np.zeros((9, 9), "i2"), None, SeriesNumber=900,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
    )  # fmt: skip
    (tmp_path / "ct" / "readme.txt").write_text("no image")
    (tmp_path / "ct" / "damaged.dcm").write_bytes(b"no image")
    with caplog.at_level(logging.INFO):
        assert read(tmp_path / "ct").shape == (6, 5, 4)
    assert "1 RTDOSE, 1 SR, 1 captured picture" in caplog.text
    assert "skipped 1 damaged DICOM files" in caplog.text


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_slices_that_make_no_volume_are_refused(tmp_path: Path) -> None:
    gap = np.delete(along(6), 3, 0)
    save_series(tmp_path / "gap", STACK[:5], gap)
    assert "with 1 missing (the first after slice 3)" in refused(tmp_path / "gap")
    save_series(tmp_path / "twice", STACK, np.concatenate([along(3), along(3)]))
    assert "6 slices at 3 positions" in refused(tmp_path / "twice")
    uid = {"SeriesInstanceUID": "1.2.3"}
    save_series(tmp_path / "mixed", STACK[:3], along(3), **uid)
    save_series(tmp_path / "mixed", STACK[3:], along(3) + 50, TILTED, prefix="b", **uid)
    assert "6 slices of mixed have 2 orientations" in refused(tmp_path / "mixed")
    save_series(tmp_path / "sizes", STACK[:3], along(3), **uid)
    save_series(tmp_path / "sizes", STACK[3:, 1:], along(3) + 50, prefix="b", **uid)
    assert "4 x 4 and 4 x 5" in refused(tmp_path / "sizes")
    uneven = along(6)
    uneven[3, 2] += 0.6
    save_series(tmp_path / "uneven", STACK, uneven)
    assert "not evenly spaced: 1.9 to 3.1 mm apart" in refused(tmp_path / "uneven")


def test_small_unevenness_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    places = along(6)
    places[3, 2] += 0.1
    save_series(tmp_path / "ct", STACK, places)
    np.testing.assert_allclose(read(tmp_path / "ct").spacing[0], 2.5)
    assert "2.4 to 2.6 mm apart" in caplog.text


def test_the_spacing_of_one_slice_is_its_thickness_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_series(tmp_path / "ct", STACK[:1], along(1))
    found = read(tmp_path / "ct")
    assert (found.axes, found.spacing) == ("ZYX", (9.0, 0.8, 0.7))
    assert "its thickness of 9 mm is used" in caplog.text
    save_slice(tmp_path / "x-ray.dcm", STACK[0], None)
    assert read(tmp_path / "x-ray.dcm").axes == "YX"


def test_nothing_identifies_the_patient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    descriptions = ("Head ERIKA moritz", "t1 4711", "t1 2021-03-04", "t1 20210304", "t1 axial")
    for number, text in enumerate(descriptions):
        folder = tmp_path / "study"
        save_series(
            folder, STACK, along(6), prefix=f"s{number}", SeriesNumber=number,
            SeriesDescription=text,
        )  # fmt: skip
    texts = []
    with caplog.at_level(logging.DEBUG):
        texts.append(refused(folder))
        assert [s.text for s in list_series(folder)] == ["CT, 6 of 4 x 5"] * 4 + [
            "CT, t1 axial, 6 of 4 x 5"
        ]
        volume = read(folder, series="4")
        for name in ("a.nii", "a.nrrd", "a.mha", "a.ome.tif"):
            write(volume, tmp_path / name)
            texts.append((tmp_path / name).read_bytes().decode("latin1"))
        odd = next(folder.iterdir()).read_bytes()  # an identifier that should be a number
        odd = odd.replace(b"\x10\0\x20\0LO", b"\x10\0\x20\0IS")
        (folder / "odd.dcm").write_bytes(odd)
        list_series(folder)
        broken = save_series(tmp_path / "broken", STACK, along(6))[0]
        broken.write_bytes(broken.read_bytes()[:-60])
        with pytest.raises(FileError) as caught:
            np.asarray(read(tmp_path / "broken").array)
        texts.append(str(caught.value))
    texts += [caplog.text, *capfd.readouterr(), repr(volume)]
    for text in texts:
        for secret in (*PATIENT.values(), "Moritz", "Erika", "20210304"):
            assert secret.lower() not in text.lower()


@pytest.mark.parametrize("name", ["jp2klossless", "jpeg_ls_lossless", "RLE", "bigendian"])
def test_compressed_pixels_are_those_of_the_plain_file(tmp_path: Path, name: str) -> None:
    path = Path(shutil.copy(get_testdata_file(f"MR_small_{name}.dcm", download=False), tmp_path))
    plain = dcmread(get_testdata_file("MR_small.dcm", download=False)).pixel_array
    found = read(path)
    np.testing.assert_array_equal(np.asarray(found.array)[0], plain)
    np.testing.assert_allclose(found.spacing[1:], (0.3125, 0.3125))


def test_a_real_ct_is_in_hounsfield_units_and_colours_are_channels(tmp_path: Path) -> None:
    path = Path(shutil.copy(get_testdata_file("CT_small.dcm", download=False), tmp_path))
    header = dcmread(path)
    expected = header.pixel_array * float(header.RescaleSlope) + float(header.RescaleIntercept)
    np.testing.assert_array_equal(np.asarray(read(path).array)[0], expected)
    colour = get_testdata_file("SC_rgb_rle.dcm", download=False)
    found = read(Path(shutil.copy(colour, tmp_path / "colour.dcm")))
    assert (found.axes, found.channel_names) == ("YXC", ("red", "green", "blue"))
    film = read(
        Path(shutil.copy(get_testdata_file("examples_ybr_color.dcm", download=False), tmp_path))
    )
    assert (film.axes, film.shape, film.calibrated) == ("TYXC", (30, 240, 320, 3), False)


def test_files_that_are_not_images_are_refused(tmp_path: Path) -> None:
    report = Path(shutil.copy(get_testdata_file("test-SR.dcm", download=False), tmp_path))
    cut = Path(shutil.copy(get_testdata_file("MR_truncated.dcm", download=False), tmp_path / "b"))
    for path in (report, cut, tmp_path):
        with pytest.raises(FileError, match=r"not a DICOM file|damaged|has no DICOM images"):
            np.asarray(read(path).array)


def test_a_folder_of_slices_is_one_input(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_series(tmp_path / name, STACK, along(6))
    write(Volume(STACK[0], "YX"), tmp_path / "a" / "picture.tif")
    assert [s.path.name for s in expand([tmp_path / "b"])] == ["b"]
    assert [(s.path.name, s.stem) for s in expand([tmp_path])] == [
        ("a", "a"), ("picture.tif", "picture"), ("b", "b"),
    ]  # fmt: skip
    assert [s.path.name for s in expand([str(tmp_path / "b" / "*.dcm")])] == ["b"]
    assert [s.path.name for s in expand([str(tmp_path / "*")])] == ["a", "b"]
    one = next((tmp_path / "b").iterdir())
    assert [s.path for s in expand([one])] == [one]
