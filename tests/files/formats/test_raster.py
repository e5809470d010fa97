"""Pictures are grey (Y, X) or coloured (Y, X, C), with all of their bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.files import read, write

RGB = ("red", "green", "blue")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.png"


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)


def test_grey_and_colour_survive_the_round_trip(path: Path) -> None:
    for volume in (
        Volume(noise((9, 8)), "YX"),
        Volume(noise((9, 8), "uint16"), "YX"),
        Volume(noise((9, 8, 3)), "YXC", channel_names=RGB),
        Volume(noise((9, 8, 4)), "YXC", channel_names=(*RGB, "alpha")),
    ):
        write(volume, path)
        got = read(path)
        np.testing.assert_array_equal(got.array, volume.array)
        assert got.array.dtype == volume.array.dtype
        assert (got.axes, got.channel_names) == (volume.axes, volume.channel_names)
        assert not got.calibrated


def test_colours_of_16_bits_are_not_cut_down_to_8(path: Path) -> None:
    array = noise((9, 8, 3), "uint16")
    path.write_bytes(imagecodecs.png_encode(array))
    np.testing.assert_array_equal(read(path).array, array)


def test_a_palette_gives_its_colours(path: Path) -> None:
    colours = noise((4, 3))
    picture = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2), "P")
    picture.putpalette(colours.tobytes())
    picture.save(path)
    np.testing.assert_array_equal(read(path).array, colours.reshape(2, 2, 3))


def test_a_grey_palette_gives_greys(path: Path) -> None:
    picture = Image.fromarray(noise((9, 8)), "P")
    picture.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    picture.save(path)
    assert read(path).axes == "YX"
    np.testing.assert_array_equal(read(path).array, noise((9, 8)))


def test_a_constant_alpha_is_dropped(path: Path) -> None:
    array = noise((9, 8, 4))
    array[..., 3] = 255
    Image.fromarray(array).save(path)
    np.testing.assert_array_equal(read(path).array, array[..., :3])
    assert read(path).channel_names == RGB


def test_the_alpha_of_greys_is_dropped(path: Path) -> None:
    array = noise((9, 8, 2))
    Image.fromarray(array, "LA").save(path)
    assert read(path).axes == "YX"
    np.testing.assert_array_equal(read(path).array, array[..., 0])


def test_one_bit_pictures_are_masks(path: Path) -> None:
    mask = noise((9, 8)) > 100
    Image.fromarray(mask).save(path)
    assert read(path).array.dtype == bool
    np.testing.assert_array_equal(read(path).array, mask)
    assert set(np.unique(read(path).array.view(np.uint8))) == {0, 1}  # else 255 is written as id


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".bmp"])
def test_other_pictures_are_read(tmp_path: Path, suffix: str) -> None:
    array = np.repeat(np.linspace(0, 250, 64).astype("uint8")[None], 32, axis=0)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(array).save(path)
    assert read(path).axes == "YX"
    assert np.abs(read(path).array.astype(int) - array).max() < 8


def test_the_four_inks_of_a_jpeg_become_three_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (8, 9)).save(path)
    assert (read(path).shape, read(path).channel_names) == ((9, 8, 3), RGB)


def test_axes_that_do_not_fit_are_refused(path: Path) -> None:
    Image.fromarray(noise((9, 8))).save(path)
    assert read(path, axes="yx").axes == "YX"
    with pytest.raises(InputError, match="YX"):
        read(path, axes="ZYX")


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_files_that_are_not_pictures_are_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(FileError):
        read(path)


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_a_picture_cut_short_is_refused(path: Path, depth: str) -> None:
    path.write_bytes(imagecodecs.png_encode(noise((40, 40, 3), depth)))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileError, match="cannot be read"):
        read(path)


def test_arrays_that_a_png_cannot_hold_are_refused(path: Path) -> None:
    for volume in (
        Volume(noise((3, 9, 8)), "ZYX"),
        Volume(noise((9, 8), "uint32"), "YX"),
        Volume(noise((9, 8, 3), "uint16"), "YXC"),
    ):
        with pytest.raises(InputError, match="PNG"):
            write(volume, path)
    assert not path.exists()


def test_pictures_with_loss_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\.png"):
        write(Volume(noise((9, 8)), "YX"), tmp_path / "a.jpg")
