"""What differs from frame to frame or file to file of a DICOM is read for each of them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
pytest.importorskip("SimpleITK")

from dicoms import STRAIGHT, along, save_enhanced, save_series, save_slice
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, SecondaryCaptureImageStorage

from napari_tally import read
from napari_tally.core.errors import FileError, InputError
from napari_tally.files import read_header

STACK = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)


def item(**tags: object) -> Dataset:
    made = Dataset()
    for key, value in tags.items():
        setattr(made, key, value)
    return made


def frames(path: Path, array: np.ndarray = STACK, **tags: object) -> Path:
    """Write planes as the frames of one file; a tag of None is left out."""
    save_slice(path, array[0], None, **{"SpacingBetweenSlices": 4.0, "Modality": "NM"} | tags)
    header = dcmread(path)
    header.NumberOfFrames = len(array)
    header.PixelData = array.astype("<i2").tobytes()
    header.save_as(path)
    return path


RECON = {"ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]}
PLACE = {"ImagePositionPatient": [-5, -6, 7], "ImageOrientationPatient": list(STRAIGHT)}


@pytest.mark.parametrize("between", [4.0, -4.0])
def test_the_sign_of_the_spacing_between_slices_is_their_direction(
    tmp_path: Path, between: float
) -> None:
    path = frames(
        tmp_path / "nm.dcm", SpacingBetweenSlices=between, **RECON,
        DetectorInformationSequence=[item(**PLACE)],
    )  # fmt: skip
    found = read(path)
    np.testing.assert_allclose(found.spacing, (4, 0.8, 0.7))
    first = np.argwhere(np.asarray(found.array) == 0)[0]
    last = np.argwhere(np.asarray(found.array) == STACK[5, 0, 0])[0]
    np.testing.assert_allclose(found.affine @ [*first, 1], (7, -6, -5, 1))
    np.testing.assert_allclose(found.affine @ [*last, 1], (7 + 5 * between, -6, -5, 1))


@pytest.mark.parametrize("modality", ["CT", "MR", "OT"])
def test_frames_with_one_position_are_placed_by_their_spacing(
    tmp_path: Path, modality: str
) -> None:
    found = read(frames(tmp_path / "ct.dcm", Modality=modality, SpacingBetweenSlices=0.5, **PLACE))
    np.testing.assert_allclose(found.spacing, (0.5, 0.8, 0.7))
    assert found.affine is not None
    capture = {"SOPClassUID": SecondaryCaptureImageStorage, "SpacingBetweenSlices": 0.5}
    np.testing.assert_allclose(read(frames(tmp_path / "sc.dcm", **capture)).spacing[0], 0.5)


def test_frames_without_spacing_are_slices_without_calibration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = read(frames(tmp_path / "ct.dcm", Modality="CT", SpacingBetweenSlices=None, **PLACE))
    assert (found.axes, found.calibrated) == ("ZYX", False)
    assert "the spacing of Z is missing" in caplog.text


def test_films_and_projections_are_no_volume(tmp_path: Path) -> None:
    film = frames(tmp_path / "a.dcm", Modality="OT", FrameIncrementPointer=0x00181063)
    assert read(film).axes == "TYX"
    dynamic = {"ImageType": ["ORIGINAL", "PRIMARY", "DYNAMIC", "EMISSION"]}
    assert read(frames(tmp_path / "b.dcm", **dynamic)).axes == "TYX"
    projections = {"ImageType": ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]}
    assert read(frames(tmp_path / "c.dcm", **projections, **PLACE)).affine is None


def test_slice_numbers_of_nuclear_images_place_their_frames(tmp_path: Path) -> None:
    path = frames(tmp_path / "nm.dcm", **RECON, **PLACE, SliceVector=[3, 1, 2, 6, 5, 4])
    assert np.asarray(read(path).array)[:, 0, 0].tolist() == [20, 40, 0, 100, 80, 60]


def enhanced(path: Path, **own: object) -> Path:
    """Write frames with groups of their own: a name of a sequence and its items."""
    save_enhanced(path, STACK, along(6))
    header = dcmread(path)
    for name, items in own.items():
        for group, each in zip(header.PerFrameFunctionalGroupsSequence, items, strict=True):
            setattr(group, name, [each])
    header.save_as(path)
    return path


def test_each_frame_has_its_own_rescale(tmp_path: Path) -> None:
    rescales = [item(RescaleSlope=n + 0.5, RescaleIntercept=-n) for n in range(6)]
    path = enhanced(tmp_path / "mr.dcm", PixelValueTransformationSequence=rescales)
    slopes = np.arange(6)[:, None, None]
    np.testing.assert_allclose(read(path).array, STACK * (slopes + 0.5) - slopes, rtol=1e-6)


def test_frames_of_several_spacings_or_orientations_are_refused(tmp_path: Path) -> None:
    sizes = [item(PixelSpacing=[0.8, 0.7 + (n > 2)]) for n in range(6)]
    with pytest.raises(ValueError, match="different pixel spacings"):
        read(enhanced(tmp_path / "a.dcm", PixelMeasuresSequence=sizes))
    turns = [item(ImageOrientationPatient=[1, 0, 0, 0, n > 2, n <= 2]) for n in range(6)]
    with pytest.raises(ValueError, match="2 orientations"):
        read(enhanced(tmp_path / "b.dcm", PlaneOrientationSequence=turns))


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("modality", ["CT", "PT", "CR", "MR"])
def test_monochrome1_never_changes_the_numbers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, modality: str, signed: int
) -> None:
    tags = {"Modality": modality, "PixelRepresentation": signed, "BitsStored": 12, "HighBit": 11}
    found = {}
    for look in ("MONOCHROME1", "MONOCHROME2"):
        folder = tmp_path / look
        save_series(
            folder, STACK, along(6), PhotometricInterpretation=look, RescaleSlope=2,
            RescaleIntercept=-10, **tags,
        )  # fmt: skip
        found[look] = np.asarray(read(folder).array)
        np.testing.assert_array_equal(found[look], STACK * 2 - 10)
    assert "MONOCHROME1 (shown with low values bright)" in caplog.text


def test_monochrome1_of_a_compressed_file_is_stored_too(tmp_path: Path) -> None:
    source = get_testdata_file("MR_small_jp2klossless.dcm", download=False)
    plain = dcmread(get_testdata_file("MR_small.dcm", download=False)).pixel_array
    header = dcmread(source)
    assert header.file_meta.TransferSyntaxUID == JPEG2000Lossless
    header.PhotometricInterpretation = "MONOCHROME1"
    header.RescaleSlope, header.RescaleIntercept = 2, 5
    header.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "a.dcm").array)[0], plain * 2 + 5)


def test_rescaled_numbers_keep_integers_that_hold_them(tmp_path: Path) -> None:
    unsigned = {"PixelRepresentation": 0}
    cases = (
        ({"BitsStored": 12, "HighBit": 11, "RescaleIntercept": -1024}, "int16"),
        ({"RescaleIntercept": -1024}, "int32"), ({}, "uint16"), ({"RescaleSlope": 0.5}, "float32"),
        ({"RescaleSlope": 0}, "uint16"),
    )  # fmt: skip
    for number, (tags, dtype) in enumerate(cases):
        path = save_slice(tmp_path / f"{number}.dcm", STACK[1], None, **unsigned, **tags)
        assert read(path).array.dtype == dtype
        expected = STACK[1] * (tags.get("RescaleSlope") or 1) + tags.get("RescaleIntercept", 0)
        np.testing.assert_array_equal(read(path).array, expected)


def test_a_dose_is_scaled_and_placed(tmp_path: Path) -> None:
    path = Path(shutil.copy(get_testdata_file("rtdose.dcm", download=False), tmp_path))
    header, found = dcmread(path), read(path)
    np.testing.assert_allclose(found.array, header.pixel_array * float(header.DoseGridScaling))
    np.testing.assert_allclose(found.spacing, (5, 10, 10))


@pytest.mark.parametrize("cut", [1, 20, 119])
def test_fewer_pixels_than_announced_are_an_error(tmp_path: Path, cut: int) -> None:
    path = frames(tmp_path / "a.dcm", **RECON, **PLACE)
    header = dcmread(path)
    header.PixelData = STACK.tobytes()[: 240 - 2 * cut]
    header.save_as(path)
    for read_it in (read, read_header):
        with pytest.raises(FileError, match=rf"holds {240 - 2 * cut} of the 240 bytes"):
            read_it(path)


def test_fewer_compressed_planes_than_announced_are_an_error(tmp_path: Path) -> None:
    header = dcmread(get_testdata_file("MR_small_jp2klossless.dcm", download=False))
    whole = header.PixelData
    header.NumberOfFrames = 2
    header.save_as(tmp_path / "a.dcm")
    with pytest.raises(FileError, match="holds 1 of its 2 planes"):
        read(tmp_path / "a.dcm")
    header.NumberOfFrames = 1
    header.save_as(tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[: data.index(whole) + len(whole) // 2])
    with pytest.raises(FileError, match="truncated"):
        read(tmp_path / "a.dcm")


def test_two_milliard_frames_are_refused_at_once(tmp_path: Path) -> None:
    path = save_slice(tmp_path / "a.dcm", STACK[0], None, NumberOfFrames=2147483647)
    started = time.perf_counter()
    with pytest.raises(FileError, match="holds 40 of the 85,899,345,880 bytes"):
        read(path)
    assert time.perf_counter() - started < 1


def test_deep_sequences_and_bytes_after_the_pixels_are_one_sentence_or_right(
    tmp_path: Path,
) -> None:
    path = save_slice(tmp_path / "a.dcm", STACK[0], along(1)[0])
    junk = np.random.default_rng(0).integers(0, 256, 200, np.uint8).tobytes()
    path.write_bytes(path.read_bytes() + junk)
    np.testing.assert_array_equal(np.asarray(read(path).array)[0], STACK[0])
    deep = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    data = path.read_bytes()
    at = data.index(b"\x28\x00\x10\x00US")
    path.write_bytes(data[:at] + deep * 20_000 + data[at:])
    with pytest.raises(FileError, match="damaged"):
        read(path)


def test_slices_of_other_bits_are_rescaled_without_wrapping(tmp_path: Path) -> None:
    bright = np.full((2, 5, 4), 60_000, np.uint16)
    for number, bits in enumerate((12, 16)):
        plane = bright[number] if bits == 16 else bright[number] - 59_000
        save_slice(
            tmp_path / f"{number}.dcm", plane.view(np.int16), along(2)[number],
            SeriesInstanceUID="1.2", PixelRepresentation=0, BitsStored=bits, HighBit=bits - 1,
            RescaleSlope=1, RescaleIntercept=-1024,
        )  # fmt: skip
    found = np.asarray(read(tmp_path).array)
    assert found[0].max() == 1000 - 1024
    assert found[1].max() == 60_000 - 1024


@pytest.mark.parametrize("signed", [0, 1])
def test_numbers_in_the_high_bits_are_moved_down(tmp_path: Path, signed: int) -> None:
    plane = STACK[0] * 50 - 500 * signed
    path = save_slice(
        tmp_path / "a.dcm", plane << 4, None, PixelRepresentation=signed, BitsStored=12, HighBit=15
    )
    np.testing.assert_array_equal(read(path).array, plane)


def test_the_tiles_of_a_slide_are_no_slices(tmp_path: Path) -> None:
    path = frames(tmp_path / "slide.dcm", TotalPixelMatrixColumns=8, Modality="SM")
    with pytest.raises(InputError, match="tiles of one picture"):
        read(path)


def test_frames_of_several_volumes_are_sorted_by_time_and_position(tmp_path: Path) -> None:
    places = along(3)
    order = [(1, 2), (0, 0), (1, 0), (0, 2), (0, 1), (1, 1)]  # time and place of each frame
    path = save_enhanced(tmp_path / "a.dcm", STACK, places[[place for _, place in order]])
    header = dcmread(path)
    for frame, (moment, _) in zip(header.PerFrameFunctionalGroupsSequence, order, strict=True):
        frame.FrameContentSequence = [item(TemporalPositionIndex=moment + 1)]
    header.save_as(path)
    found = read(path)
    assert (found.axes, found.spacing) == ("TZYX", (2.5, 0.8, 0.7))
    for stored, (moment, place) in zip(STACK, order, strict=True):
        np.testing.assert_array_equal(found.array[moment, place], stored)


def test_gated_slices_are_volumes_over_time(tmp_path: Path) -> None:
    gated = {"ImageType": ["ORIGINAL", "PRIMARY", "RECON GATED TOMO", "EMISSION"]} | PLACE
    path = frames(
        tmp_path / "a.dcm", SliceVector=[1, 2, 3] * 2, TimeSlotVector=[1] * 3 + [2] * 3, **gated
    )
    found = read(path)
    assert (found.axes, found.spacing) == ("TZYX", (4, 0.8, 0.7))
    np.testing.assert_array_equal(found.array, STACK.reshape(2, 3, 5, 4))
    assert read(frames(tmp_path / "b.dcm", **gated)).affine is None  # which is slice, which time?
