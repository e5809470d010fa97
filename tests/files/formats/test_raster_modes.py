"""Every kind of picture is read right: animations, CMYK, alpha, few bits, and cut ones refused."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_tally.core.errors import FileError
from napari_tally.files import read

GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_the_frames_of_an_animation_are_time(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.full((5, 6), value, np.uint8)) for value in (0, 100, 200)]
    path = tmp_path / f"a{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    for labels in (False, True):
        found = read(path, labels=labels)
        array = np.asarray(found.array)
        assert found.axes in ("TYX", "TYXC") and array.shape[:3] == (3, 5, 6)
        assert array.reshape(3, -1).max(1).tolist() == [0, 100, 200]


def test_cmyk_becomes_red_green_and_blue(tmp_path: Path) -> None:
    Image.new("CMYK", (6, 5), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    found = read(tmp_path / "a.jpg")
    assert found.axes == "YXC" and found.channel_names == ("red", "green", "blue")
    np.testing.assert_allclose(found.array[2, 2], (255, 0, 0), atol=3)


def test_deep_greys_with_alpha_are_greys(tmp_path: Path) -> None:
    deep = np.stack([GREY.astype(np.uint16) * 200, np.full(GREY.shape, 65535, np.uint16)], -1)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    for labels in (False, True):
        np.testing.assert_array_equal(read(tmp_path / "a.png", labels=labels).array, deep[..., 0])


def test_what_is_read_can_be_written_to(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").array.flags.writeable


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif", ".webp"])
def test_cut_pictures_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    for part in (0.2, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(FileError):
            read(path)


def test_a_small_picture_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    raw = bytearray(imagecodecs.png_encode(GREY.astype(np.uint16)))
    raw[16:24] = (60000).to_bytes(4, "big") * 2
    (tmp_path / "a.png").write_bytes(raw)
    with pytest.raises(FileError, match="claims"):
        read(tmp_path / "a.png")
