"""Images are turned as their orientation tag says, as viewers show them."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from napari_tally.files import read, read_header
from napari_tally.files.formats import tiff

STORED = np.arange(20, dtype=np.uint8).reshape(4, 5) * 12
ALL = range(1, 9)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[274] = orientation
    return found


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_pictures_are_turned_as_pillow_turns_them(
    tmp_path: Path, suffix: str, orientation: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(STORED).convert("RGB").save(path, exif=exif(orientation), quality=100)
    with Image.open(path) as picture:
        shown = np.asarray(ImageOps.exif_transpose(picture))
    for labels in (False, True):
        found = read(path, labels=labels)
        expected = shown[..., 0] if found.axes == "YX" else shown
        np.testing.assert_array_equal(found.array, expected)
    assert ("orientation tag" in caplog.text) == (orientation > 1)


@pytest.mark.parametrize("orientation", ALL)
def test_deep_pictures_are_turned(tmp_path: Path, orientation: int) -> None:
    raw = imagecodecs.png_encode(np.stack([STORED.astype(np.uint16) * 9] * 3, -1))
    data = exif(orientation).tobytes().removeprefix(b"Exif\0\0")
    chunk = len(data).to_bytes(4, "big") + b"eXIf" + data + b"\0\0\0\0"
    (tmp_path / "a.png").write_bytes(raw[:33] + chunk + raw[33:])
    shown = ImageOps.exif_transpose(_with_exif(orientation))
    found = read(tmp_path / "a.png")
    np.testing.assert_array_equal(found.array[..., 1], np.asarray(shown).astype(np.uint16) * 9)


def _with_exif(orientation: int) -> Image.Image:
    picture = Image.fromarray(STORED)
    picture.getexif()[274] = orientation
    return picture


@pytest.mark.parametrize("orientation", ALL)
def test_the_spacing_of_a_tiff_is_turned_with_it(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.tif"
    stack = np.stack([STORED, STORED + 1])
    tifffile.imwrite(
        path, stack, resolution=(1000, 500), resolutionunit=3, photometric="minisblack",
        extratags=[(274, 3, 1, orientation, True)], metadata=None,
    )  # fmt: skip
    shown = np.asarray(ImageOps.exif_transpose(_with_exif(orientation)))
    found = read(path, series="1", axes="TYX")
    np.testing.assert_array_equal(found.array, np.stack([shown, shown + 1]))
    expected = (0.001, 0.002) if orientation > 4 else (0.002, 0.001)
    assert found.spacing == pytest.approx(expected)
    assert read_header(path, axes="TYX").shape == found.shape
    assert tiff.read_header(path, axes="TYX", as_shown=False).shape == (2, 4, 5)


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_a_tag_of_no_meaning_turns_nothing(tmp_path: Path, orientation: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STORED, extratags=[(274, 3, 1, orientation, True)])
    np.testing.assert_array_equal(read(tmp_path / "a.tif").array, STORED)
