"""The order of DICOM slices comes from positions, locations or numbers, never from file names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
pytest.importorskip("SimpleITK")

from dicoms import STRAIGHT, along, save_series, save_slice
from pydicom import dcmread
from pydicom.data import get_testdata_file

from napari_tally import read
from napari_tally.core.errors import FileError, InputError

COUNT = 12
STACK = np.arange(COUNT, dtype=np.int16)[:, None, None] * np.ones((1, 5, 4), np.int16)
NAMES = {"numbers": "IM{n}.dcm", "another order": "{other:02d}.dcm"}


def without_positions(folder: Path, names: str = NAMES["another order"], **tags: object) -> Path:
    """Write slices of which a tag that is callable has a value each."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, plane in enumerate(STACK):
        own = {key: value(n) if callable(value) else value for key, value in tags.items()}
        name = names.format(n=n + 1, other=(n * 5 + 3) % 13)
        position = own.pop("position", None)
        save_slice(folder / name, plane, position, SeriesInstanceUID="1.2.3", **own)
    return folder


def order(path: Path) -> list[int]:
    return np.asarray(read(path).array)[:, 0, 0].tolist()


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_instance_numbers_order_slices_without_positions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, names: str
) -> None:
    without_positions(tmp_path, names, InstanceNumber=lambda n: n + 1)
    assert order(tmp_path) == list(range(COUNT))
    assert "sorted by instance number" in caplog.text
    assert not read(tmp_path).calibrated


def test_slice_locations_come_before_instance_numbers_and_give_the_spacing(tmp_path: Path) -> None:
    without_positions(
        tmp_path, InstanceNumber=lambda n: COUNT - n, SliceLocation=lambda n: 7 + 2.5 * n
    )
    assert order(tmp_path) == list(range(COUNT))
    assert (read(tmp_path).spacing, read(tmp_path).affine) == ((2.5, 0.8, 0.7), None)


def test_a_missing_slice_is_noticed_without_positions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = without_positions(tmp_path / "a", "{n:02d}.dcm", SliceLocation=lambda n: 2.5 * n)
    (folder / "06.dcm").unlink()
    with pytest.raises(InputError, match="with 1 missing"):
        read(folder)
    folder = without_positions(tmp_path / "b", "{n:02d}.dcm", InstanceNumber=lambda n: n + 1)
    (folder / "06.dcm").unlink()
    read(folder)
    assert "instance numbers are missing after 5" in caplog.text


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"InstanceNumber": 1},
        {"SliceLocation": 4.0},
        {"InstanceNumber": lambda n: n // 2},
        {"InstanceNumber": None, "position": lambda n: along(1)[0]},
    ],
    ids=["nothing", "one number", "one location", "pairs", "one place"],
)
def test_slices_without_any_order_are_refused(tmp_path: Path, tags: dict[str, object]) -> None:
    without_positions(tmp_path, **tags)
    with pytest.raises(InputError, match=r"order of the 12 slices .* is not known"):
        read(tmp_path)


def test_copies_of_one_position_are_ordered_by_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    without_positions(tmp_path, position=lambda n: along(1)[0], InstanceNumber=lambda n: n + 1)
    assert order(tmp_path) == list(range(COUNT))
    assert "the slices share one position; sorted by instance number" in caplog.text


@pytest.mark.parametrize("tag", ["TriggerTime", "TemporalPositionIdentifier"])
def test_one_position_at_several_times_is_a_film(tmp_path: Path, tag: str) -> None:
    same = {"position": lambda n: along(1)[0], "SpacingBetweenSlices": 8.0}
    without_positions(
        tmp_path, InstanceNumber=lambda n: COUNT - n, **same, **{tag: lambda n: n + 1}
    )
    found = read(tmp_path)
    assert (found.axes, found.spacing) == ("TYX", (0.8, 0.7))
    assert order(tmp_path) == list(range(COUNT))


@pytest.mark.parametrize("bad", ["nan", "inf", ""])
def test_a_position_that_is_no_number_is_none(tmp_path: Path, bad: str) -> None:
    folder = without_positions(
        tmp_path, position=lambda n: along(COUNT)[n], InstanceNumber=lambda n: n + 1
    )
    path = next(iter(folder.iterdir()))
    data = path.read_bytes()
    header = dcmread(path)
    old = "\\".join(map(str, header.ImagePositionPatient)).encode()
    path.write_bytes(data.replace(old, (f"{bad}\\" * 2 + bad).encode().ljust(len(old))))
    assert order(folder) == list(range(COUNT))


def test_directions_that_are_no_right_angle_are_none(tmp_path: Path) -> None:
    tags = {"position": lambda n: along(COUNT)[n], "InstanceNumber": lambda n: n + 1}
    for turn in ([0] * 6, [1, 0, 0, 1, 0, 0]):
        without_positions(tmp_path, ImageOrientationPatient=turn, **tags)
        assert order(tmp_path) == list(range(COUNT))
        assert read(tmp_path).affine is None


def test_pixel_spacings_that_differ_are_refused(tmp_path: Path) -> None:
    save_series(tmp_path, STACK[:3], along(3), SeriesInstanceUID="1.2")
    save_series(
        tmp_path, STACK[:3], along(6)[3:], spacing=(0.8, 0.9), prefix="b", SeriesInstanceUID="1.2"
    )
    with pytest.raises(InputError, match=r"pixel spacings: 0\.8 x 0\.7 and 0\.8 x 0\.9 mm"):
        read(tmp_path)


def test_one_file_of_a_localizer_is_read_as_that_slice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_series(tmp_path, STACK[:1] + 7, along(1), SeriesInstanceUID="1.2")
    turned = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    other = save_series(
        tmp_path, STACK[:1] + 9, along(1), turned, prefix="b", SeriesInstanceUID="1.2"
    )
    found = read(other[0])
    assert (found.shape, int(np.asarray(found.array).max())) == ((1, 5, 4), 9)
    assert "read as one slice. The 2 slices" in caplog.text


def test_a_damaged_slice_of_the_series_is_not_lost_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = save_series(tmp_path, STACK, along(COUNT))
    whole = paths[-1].read_bytes()
    for end in (len(whole) - 7, len(whole) - 41, whole.index(b"\x28\x00\x10\x00US") + 4):
        paths[-1].write_bytes(whole[:end])
        with pytest.raises(FileError, match=r"slice\d+\.dcm is damaged"):
            read(tmp_path)
    paths[-1].write_bytes(whole[:200])  # before the identifier of the series
    assert len(read(tmp_path).array) == COUNT - 1
    assert "skipped 1 damaged DICOM files" in caplog.text
    for path in paths[:-1]:
        path.unlink()
    with pytest.raises(FileError, match="damaged"):
        read(tmp_path)


def test_a_mosaic_is_recognized(tmp_path: Path) -> None:
    path = save_slice(tmp_path / "a.dcm", STACK[0], along(1)[0], STRAIGHT)
    header = dcmread(path)
    header.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    header.save_as(path)
    with pytest.raises(InputError, match="Siemens mosaic"):
        read(path)
    del header.ImageType
    header.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    header.add_new(0x0019100A, "US", 36)
    header.save_as(path)
    with pytest.raises(InputError, match="Siemens mosaic"):
        read(tmp_path)


def test_a_segmentation_object_is_refused(tmp_path: Path) -> None:
    path = shutil.copy(get_testdata_file("liver_1frame.dcm", download=False), tmp_path)
    with pytest.raises(InputError, match="a segmentation object, which is not read"):
        read(path)


def test_a_folder_of_series_names_one_of_them(tmp_path: Path) -> None:
    save_series(tmp_path / "study" / "head", STACK, along(COUNT))
    with pytest.raises(FileError, match=r"Folders in it are images, such as .*head") as caught:
        read(tmp_path)
    assert "--stack" not in str(caught.value)


def test_slices_without_pixel_spacing_are_a_stack_without_calibration(tmp_path: Path) -> None:
    save_series(tmp_path, STACK, along(COUNT), PixelSpacing=[])
    found = read(tmp_path)
    assert (found.axes, found.shape, found.calibrated) == ("ZYX", STACK.shape, False)
    assert order(tmp_path) == list(range(COUNT))


@pytest.mark.parametrize("left", [0, 100, 180])
def test_a_slice_of_which_hardly_anything_is_left_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, left: int
) -> None:
    for path in save_series(tmp_path, STACK, along(COUNT)):
        path.rename(path.with_suffix(""))
    path.with_suffix("").write_bytes(path.with_suffix("").read_bytes()[:left])
    assert len(read(tmp_path).array) == COUNT - 1
    assert "skipped 1 damaged DICOM files" in caplog.text


def test_a_disc_names_a_folder_with_images(tmp_path: Path) -> None:
    save_series(tmp_path / "PT0" / "ST0" / "SE0", STACK, along(COUNT))
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(FileError, match="SE0"):
        read(tmp_path)


@pytest.mark.parametrize("tag", ["TemporalPositionIdentifier", "TriggerTime"])
def test_volumes_at_several_times_are_a_film_of_volumes(tmp_path: Path, tag: str) -> None:
    for time in range(3):
        save_series(
            tmp_path, STACK + 1000 * time, along(COUNT), prefix=f"t{(time + 1) % 3}_",
            SeriesInstanceUID="1.2.3", **{tag: 40 * time},
        )  # fmt: skip
    found = read(tmp_path)
    assert (found.axes, found.spacing) == ("TZYX", (2.5, 0.8, 0.7))
    np.testing.assert_array_equal(found.array, [STACK + 1000 * time for time in range(3)])


def test_times_that_lack_a_slice_are_refused(tmp_path: Path) -> None:
    for time in (1, 2):
        paths = save_series(
            tmp_path, STACK, along(COUNT), prefix=f"t{time}_", SeriesInstanceUID="1.2.3",
            TemporalPositionIdentifier=time,
        )  # fmt: skip
    paths[0].unlink()
    with pytest.raises(InputError, match=f"{2 * COUNT - 1} slices at {COUNT} positions"):
        read(tmp_path)


def test_a_spacing_on_the_detector_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = save_slice(tmp_path / "a.dcm", STACK[0], None, ImagerPixelSpacing=[0.2, 0.1])
    assert read(path).spacing == (0.8, 0.7)
    assert not caplog.text
    header = dcmread(path)
    del header.PixelSpacing
    header.save_as(path)
    assert read(path).spacing == (0.2, 0.1)
    assert "sizes are those on the detector" in caplog.text
