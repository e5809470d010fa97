"""NIfTI headers that contradict themselves, claim too much or do not say that they are labels."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_tally import read, write
from napari_tally.core.errors import FileError, InputError
from napari_tally.files import read_header
from napari_tally.geometry.orientation import reoriented

SHAPE = (4, 5, 6)
SFORM = np.array([[0, -2.0, 0, 10], [0.5, 0, 0, 20], [0, 0, 3.0, 30], [0, 0, 0, 1]])
QFORM = np.array([[0, -2.0, 0, -40], [0.5, 0, 0, 25], [0, 0, 3.0, 7], [0, 0, 0, 1]])


def saved(
    path: Path, sform: tuple[np.ndarray, int], qform: tuple[np.ndarray, int], unit: int = 2
) -> Path:
    image = nibabel.Nifti1Image(np.arange(120, dtype=np.int16).reshape(SHAPE), None)
    image.header.set_sform(*sform)
    image.header.set_qform(*qform)
    image.header["xyzt_units"] = unit
    image.to_filename(path)
    return path


def patched(path: Path, **fields: object) -> Path:
    """Change fields of a header that nibabel would mend if it wrote them."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        data = file.read()
    header = nibabel.Nifti1Header(data[:348], check=False)
    for key, value in fields.items():
        header[key] = value
    with opener(path, "wb") as file:
        file.write(header.binaryblock + data[348:])
    return path


def forms(path: Path) -> list[tuple[np.ndarray | None, int]]:
    header = nibabel.load(path).header
    return [header.get_sform(coded=True), header.get_qform(coded=True)]


@pytest.mark.parametrize("unit", [2, 3])
def test_results_lie_on_the_image_in_programs_that_follow_sform_or_qform(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, unit: int
) -> None:
    path = saved(tmp_path / "a.nii", (SFORM, 4), (QFORM, 1), unit)
    image = read(path)
    assert "sform and qform place it up to 55.3 apart" in caplog.text
    np.testing.assert_allclose(image.affine[:3, 3], (30, -20, -10))
    labels = replace(image, array=np.asarray(image.array) > 50, is_labels=True)
    write(labels, tmp_path / "b.nii.gz")
    for found, expected in zip(forms(tmp_path / "b.nii.gz"), forms(path), strict=True):
        np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
        assert found[1] == expected[1]


def test_both_forms_follow_a_volume_that_is_turned(tmp_path: Path) -> None:
    image = read(saved(tmp_path / "a.nii", (SFORM, 1), (QFORM, 2)))
    write(reoriented(image, "RAS"), tmp_path / "b.nii")
    at, turned = np.array([1, 2, 3, 1]), nibabel.load(tmp_path / "b.nii")
    voxel = np.argwhere(turned.get_fdata() == image.array[3, 2, 1])[0]
    for (form, _), source in zip(forms(tmp_path / "b.nii"), (SFORM, QFORM), strict=True):
        np.testing.assert_allclose(form @ [*voxel, 1], source @ at, atol=1e-4)


@pytest.mark.parametrize("codes", [(1, 1), (4, 0), (0, 2), (2, 1)])
def test_codes_of_the_source_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codes: tuple[int, int]
) -> None:
    path = saved(tmp_path / "a.nii", (SFORM, codes[0]), (SFORM, codes[1]))
    write(read(path), tmp_path / "b.nii")
    assert tuple(code for _, code in forms(tmp_path / "b.nii")) == codes
    np.testing.assert_allclose(nibabel.load(tmp_path / "b.nii").affine, SFORM, atol=1e-5)
    assert not caplog.records


def test_a_unit_of_length_that_nifti_does_not_know_is_no_calibration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not read(saved(tmp_path / "a.nii", (SFORM, 1), (SFORM, 1), 5)).calibrated
    assert "the unit of length 5 is not known; read as uncalibrated" in caplog.text
    found = read(saved(tmp_path / "b.nii", (SFORM, 1), (SFORM, 1), 1))
    assert (found.spacing, found.unit) == ((3, 2, 0.5), "m")


def test_negative_sizes_are_read_without_their_sign(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path / "a.nii", (SFORM, 0), (SFORM, 0))
    found = read(patched(path, pixdim=[1, -0.5, 2, 3, 0, 0, 0, 0]))
    assert found.spacing == (3, 2, 0.5)
    assert "negative" in caplog.text


def masks() -> dict[str, tuple[np.ndarray, bool]]:
    rng = np.random.default_rng(0)
    mask = np.zeros((20, 21, 22), np.uint8)
    mask[3:9, 4:9, 5:9] = 1
    regions = mask * 1
    regions[12:15, 12:15, 12:15] = 17
    return {
        "binary": (mask, True),
        "0 and 255": (mask * 255, True),
        "a few integers": (regions.astype(np.int16), True),
        "whole floats": (mask.astype(np.float64), True),
        "probabilities": (mask * rng.random(mask.shape), False),
        "a CT": (rng.integers(-1000, 1000, mask.shape).astype(np.int16), False),
        "an MR of 8 bits": (rng.integers(0, 255, mask.shape).astype(np.uint8) * mask, False),
        "few values without background": (mask + 1, False),
        "nothing": (mask * 0, False),
        "large numbers": (mask.astype(np.int16) * 1000, False),
        "NaN": (np.where(mask, np.nan, 0), False),
    }


@pytest.mark.parametrize("name", masks())
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_mask_or_few_integers_are_labels_without_the_intent(
    tmp_path: Path, name: str, suffix: str
) -> None:
    array, labels = masks()[name]
    path = tmp_path / f"a{suffix}"
    nibabel.Nifti1Image(array, np.diag([1, 1, 2, 1])).to_filename(path)
    assert read(path).is_labels == labels
    assert not read_header(path).is_labels


@pytest.mark.parametrize(
    "fields",
    [{"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, {"dim": [7, *[32767] * 7]},
     {"dim": [3, -4, 5, 6, 1, 1, 1, 1]}, {"dim": [3, 0, 5, 6, 1, 1, 1, 1]},
     {"vox_offset": 1e30}, {"vox_offset": np.nan}, {"vox_offset": -1e30}, {"vox_offset": 1e7},
     {"dim": [9, 4, 5, 6, 1, 1, 1, 1]}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_header_that_claims_too_much_is_one_sentence(
    tmp_path: Path, suffix: str, fields: dict[str, object]
) -> None:
    path = saved(tmp_path / f"a{suffix}", (SFORM, 1), (SFORM, 1))
    for read_it in (read, read_header):
        with pytest.raises((FileError, InputError)) as caught:
            volume = read_it(patched(path, **fields))
            np.asarray(volume.array if read_it is read else volume.array.decode())
        assert "\n" not in str(caught.value)


def test_a_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((2000, 2000, 2000))
    header.set_data_dtype(np.float64)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(2**20)))
    with pytest.raises(FileError, match=r"claims 64\.0 GB \(2000 x 2000 x 2000 of float64\)"):
        read(path)


def test_a_header_is_read_without_its_voxels(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 999, (30, 31, 32), np.int16)
    path = tmp_path / "a.nii.gz"
    nibabel.Nifti1Image(noise, SFORM).to_filename(path)
    path.write_bytes(path.read_bytes()[:-4000])
    found = read_header(path)
    assert (found.axes, found.shape, found.array.dtype) == ("ZYX", (32, 31, 30), np.int16)
    with pytest.raises(FileError, match="damaged"):
        read(path)


@pytest.mark.parametrize("named", ["a.hdr", "a.img"])
def test_a_pair_of_header_and_data_is_one_image(tmp_path: Path, named: str) -> None:
    data = np.arange(120, dtype=np.int16).reshape(SHAPE)
    pair = nibabel.Nifti1Pair(data, SFORM)
    pair.header.set_xyzt_units("mm")
    pair.to_filename(tmp_path / "a.hdr")
    found = read(tmp_path / named)
    np.testing.assert_array_equal(found.array, data.transpose())
    assert found.spacing == (3, 2, 0.5)
    (tmp_path / "a.img").write_bytes((tmp_path / "a.img").read_bytes()[:-7])
    with pytest.raises(FileError, match="damaged"):
        read(tmp_path / named)
    nibabel.Spm2AnalyzeImage(data, SFORM).to_filename(tmp_path / "old.hdr")
    with pytest.raises(InputError, match=r"Analyze 7\.5, which does not say which side is left"):
        read(tmp_path / "old.hdr")


def test_an_sform_of_other_sizes_than_the_header_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = patched(
        saved(tmp_path / "a.nii", (SFORM, 1), (SFORM, 0)), pixdim=[1, 1, 1, 1, 0, 0, 0, 0]
    )
    assert read(path).spacing == (3, 2, 0.5)
    assert "the sform has voxels of 0.5 x 2 x 3, pixdim has 1 x 1 x 1" in caplog.text
    caplog.clear()
    read(patched(path, pixdim=[1, 0.5, 2, 3, 0, 0, 0, 0]))
    assert "pixdim" not in caplog.text
