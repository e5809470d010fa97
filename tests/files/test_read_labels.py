"""Where labels are wanted, files give ids: also those that programs write as colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_tally.core.errors import InputError
from napari_tally.files import read

IDS = np.array([[0, 1, 1, 0], [2, 2, 0, 3]], np.uint8)
COLOURS = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
GREYS = [0, 0, 0, 90, 90, 90, 90, 90, 90, 255, 255, 255]


def palette_picture(path: Path, palette: list[int], **options: object) -> Path:
    picture = Image.fromarray(IDS, "P")
    picture.putpalette(palette)
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("palette", [COLOURS, GREYS])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".tif"])
def test_the_indices_of_a_palette_are_ids(tmp_path: Path, palette: list[int], suffix: str) -> None:
    labels = read(palette_picture(tmp_path / f"a{suffix}", palette), labels=True)
    assert labels.is_labels and labels.axes == "YX"
    np.testing.assert_array_equal(labels.array, IDS)


def test_a_transparent_colour_of_a_palette_changes_no_id(tmp_path: Path) -> None:
    path = palette_picture(tmp_path / "a.png", COLOURS, transparency=0)
    np.testing.assert_array_equal(read(path, labels=True).array, IDS)


def test_without_labels_a_palette_gives_its_colours(tmp_path: Path) -> None:
    image = read(palette_picture(tmp_path / "a.png", COLOURS))
    assert image.axes == "YXC"
    assert image.array[0, 1].tolist() == [128, 0, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("opaque", [False, True])
def test_equal_colours_are_one_id(tmp_path: Path, dtype: type, opaque: bool) -> None:
    array = np.repeat(IDS[..., None].astype(dtype) * 60, 3, 2)
    if opaque:
        array = np.concatenate([array, np.full_like(array[..., :1], np.iinfo(dtype).max)], 2)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=[2] * opaque)
    labels = read(tmp_path / "a.tif", labels=True)
    assert (labels.axes, labels.channel_names) == ("YX", ())
    np.testing.assert_array_equal(labels.array, IDS.astype(dtype) * 60)


def test_colours_are_no_labels(tmp_path: Path) -> None:
    array = np.zeros((9, 8, 3), np.uint8)
    array[2:4, 3:5, 1] = 200
    Image.fromarray(array).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"holds colours, not labels.*grey or indexed"):
        read(tmp_path / "a.png", labels=True)


@pytest.mark.parametrize(("bits", "most"), [(1, 2), (2, 4), (4, 16)])
def test_grey_samples_of_few_bits_are_ids_as_stored(tmp_path: Path, bits: int, most: int) -> None:
    import zlib

    ids = (np.arange(16, dtype=np.uint8) % most).reshape(2, 8)
    packed = np.packbits(np.unpackbits(ids[..., None], axis=-1)[..., -bits:].reshape(2, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    header = (8).to_bytes(4, "big") + (2).to_bytes(4, "big") + bytes((bits, 0, 0, 0, 0))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            len(d).to_bytes(4, "big") + k + d + zlib.crc32(k + d).to_bytes(4, "big")
            for k, d in chunks
        )
    )
    np.testing.assert_array_equal(read(tmp_path / "a.png", labels=True).array, ids)


def test_jpeg_labels_are_read_with_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(IDS * 80).save(tmp_path / "a.jpg")
    read(tmp_path / "a.jpg", labels=True)
    assert "JPEG changes ids" in caplog.text


def test_every_command_reads_labels_as_ids(tmp_path: Path, run) -> None:
    path = palette_picture(tmp_path / "a_labels.png", COLOURS)
    code, out, error = run("measure", str(path), "-o", "t.csv")
    assert code == 0, error
    assert "3 objects" in out + error
    assert run("convert", "--labels", str(path), "b.tif")[0] == 0
    np.testing.assert_array_equal(read("b.tif").array, IDS)
    code, _, error = run("evaluate", str(path), "--ground-truth", "b.tif", "-o", "scores")
    assert code == 0, error
