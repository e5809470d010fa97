"""TIFF keeps pixels, axes, calibration and channel names, or is refused clearly."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.files import read, write

RGB = ("red", "green", "blue")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


def noise(shape: tuple[int, ...], dtype: str = "uint16") -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def assert_same(got: Volume, volume: Volume) -> None:
    assert got.axes == volume.axes
    assert got.array.dtype == volume.array.dtype
    np.testing.assert_array_equal(got.array, volume.array)
    assert got.unit == volume.unit
    assert got.channel_names == volume.channel_names
    if volume.spacing is None:
        assert got.spacing is None
    else:
        assert got.spacing == pytest.approx(volume.spacing, rel=1e-6)


DTYPES = (
    "bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64",
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TZCYX", "CZYX", "YXC", "ZYXC", "CTYX"])
def test_everything_survives_the_round_trip(path: Path, axes: str, dtype: str) -> None:
    shape = {"T": 2, "C": 3, "Z": 4, "Y": 17, "X": 20}
    spatial = "ZYX" if "Z" in axes else "YX"
    volume = Volume(
        noise(tuple(shape[a] for a in axes), dtype),
        axes,
        (0.29, 0.123456789, 1 / 7)[-len(spatial) :],
        "um",
        channel_names=("DAPI", "actin & µ-tubulin", "c") if "C" in axes else (),
    )
    write(volume, path)
    assert_same(read(path), volume)


@pytest.mark.parametrize("unit", ["nm", "um", "mm", "cm", "m", "pm", "angstrom", "inch"])
@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
@pytest.mark.parametrize("value", [1 / 300, 1.0, 65.4321, 12345.678])
def test_every_unit_survives_the_round_trip(
    path: Path, unit: str, dtype: str, value: float
) -> None:
    volume = Volume(noise((3, 9, 8), dtype), "ZYX", (2.5 * value, value, value * 1.01), unit)
    write(volume, path)
    assert_same(read(path), volume)


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((1, 9, 8), "ZYX"), ((1, 1), "YX"), ((9, 8, 1), "YXC"), ((1, 1, 9, 8), "TCYX")],
)
def test_axes_of_length_one_survive_the_round_trip(
    path: Path, shape: tuple[int, ...], axes: str, dtype: str
) -> None:
    volume = Volume(noise(shape, dtype), axes)
    write(volume, path)
    assert_same(read(path), volume)


@pytest.mark.parametrize("dtype", ["uint8", "uint32"])
@pytest.mark.parametrize("axes", ["YXC", "CYX", "ZYXC"])
def test_colours_survive_the_round_trip(path: Path, axes: str, dtype: str) -> None:
    shape = tuple({"C": 3, "Z": 4, "Y": 17, "X": 20}[a] for a in axes)
    volume = Volume(noise(shape, dtype), axes, channel_names=RGB)
    write(volume, path)
    assert_same(read(path), volume)


def test_the_name_of_a_single_channel_survives_the_round_trip(path: Path) -> None:
    for dtype in ("uint16", "uint32"):
        volume = Volume(noise((3, 9, 8), dtype), "ZYX", channel_names=("DAPI",))
        write(volume, path)
        assert_same(read(path), volume)


def test_labels_are_written_for_imagej_and_large_ones_as_ome(path: Path) -> None:
    write(Volume(noise((4, 9, 8), "uint16"), "ZYX", (2.0, 0.5, 0.25), "um"), path)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_imagej
        assert (tif.series[0].axes, tif.imagej_metadata["slices"]) == ("ZYX", 4)
        assert (tif.imagej_metadata["unit"], tif.imagej_metadata["spacing"]) == ("um", 2.0)
        assert tif.pages[0].tags["XResolution"].value == (4, 1)
    write(Volume(noise((4, 9, 8), "uint32"), "ZYX", (2.0, 0.5, 0.25), "um"), path)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        assert (tif.series[0].axes, tif.series[0].dtype) == ("ZYX", np.uint32)
        assert 'PhysicalSizeZ="2.0" PhysicalSizeZUnit="µm"' in tif.ome_metadata
        assert tif.pages[0].tags["XResolution"].value == (40_000, 1)  # for ImageJ, which reads tags


def test_a_file_that_is_called_ome_is_one(tmp_path: Path) -> None:
    write(Volume(noise((9, 8)), "YX"), tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        assert tif.is_ome


@pytest.mark.parametrize("dtype", ["int64", "uint64", "complex64", "float16"])
def test_types_that_readers_do_not_share_are_not_written(path: Path, dtype: str) -> None:
    with pytest.raises(InputError, match=dtype):
        write(Volume(np.ones((4, 4), dtype), "YX"), path)
    assert not path.exists()


@pytest.mark.parametrize(("unit", "canonical"), [("nm", "nm"), ("µm", "um"), ("mm", "mm")])
def test_ome_gives_spacing_unit_and_channel_names(path: Path, unit: str, canonical: str) -> None:
    metadata = {f"PhysicalSize{a}": s for a, s in zip("ZYX", (300, 65, 64.5), strict=True)}
    metadata |= {f"PhysicalSize{a}Unit": unit for a in "ZYX"}
    metadata |= {"axes": "CZYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(path, noise((2, 4, 9, 8)), ome=True, metadata=metadata)
    volume = read(path)
    assert (volume.axes, volume.unit, volume.spacing) == ("CZYX", canonical, (300, 65, 64.5))
    assert volume.channel_names == ("DAPI", "GFP")


def test_units_that_differ_between_axes_become_one(path: Path) -> None:
    metadata = {
        "axes": "ZYX", "PhysicalSizeX": 65, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.066,
        "PhysicalSizeYUnit": "µm", "PhysicalSizeZ": 0.0003, "PhysicalSizeZUnit": "mm",
    }  # fmt: skip
    tifffile.imwrite(path, noise((4, 9, 8)), ome=True, metadata=metadata)
    assert read(path).unit == "nm"
    assert read(path).spacing == pytest.approx((300, 66, 65))


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m", "microns"])
def test_imagej_gives_spacing_in_any_spelling_of_the_unit(path: Path, unit: str) -> None:
    tifffile.imwrite(
        path, noise((4, 9, 8)), imagej=True, resolution=(4, 2),
        metadata={"axes": "ZYX", "unit": unit, "spacing": 1.5},
    )  # fmt: skip
    volume = read(path)
    assert volume.unit == "um"
    assert volume.spacing == (1.5, 0.5, 0.25)


@pytest.mark.parametrize("metadata", [{"unit": "pixel"}, {"unit": "furlong"}, {}])
def test_imagej_without_a_unit_of_length_is_uncalibrated(
    path: Path, metadata: dict[str, str]
) -> None:
    tifffile.imwrite(path, noise((9, 8)), imagej=True, resolution=(4, 4), metadata=metadata)
    assert read(path).spacing is None


def test_imagej_labels_name_channels_only_if_there_is_one_a_channel(path: Path) -> None:
    for axes, shape, labels, names in (
        ("CYX", (2, 9, 8), ["a", "b"], ("a", "b")),
        ("ZCYX", (2, 2, 9, 8), ["a", "b", "a", "b"], ("a", "b")),
        ("ZCYX", (2, 2, 9, 8), ["1", "2", "3", "4"], ()),
        ("ZYX", (2, 9, 8), ["slice", "slice"], ()),
        ("YX", (9, 8), ["slice"], ()),
    ):
        metadata = {"axes": axes, "Labels": labels}
        tifffile.imwrite(path, noise(shape), imagej=True, metadata=metadata)
        assert read(path).channel_names == names


def test_a_stack_without_z_spacing_is_uncalibrated_with_a_note(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metadata = {"axes": "ZYX", "unit": "um"}
    tifffile.imwrite(path, noise((4, 9, 8)), imagej=True, resolution=(4, 4), metadata=metadata)
    with caplog.at_level(logging.WARNING, "napari_tally"):
        assert read(path).spacing is None
    assert "the spacing of Z is missing" in caplog.text


@pytest.mark.parametrize("spacing", [0.0, -1.5, float("nan"), float("inf"), "?"])
def test_an_invalid_spacing_is_ignored_with_a_note(
    path: Path, spacing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    metadata = {"axes": "ZYX", "unit": "um", "spacing": spacing}
    tifffile.imwrite(path, noise((4, 9, 8)), imagej=True, resolution=(4, 4), metadata=metadata)
    assert read(path).spacing is None
    assert "the spacing of Z is" in caplog.text


@pytest.mark.parametrize(
    ("dpi", "unit"),
    [(72, 2), (96, 2), (150, 2), (300, 2), (28.346, 3), (118.11, 3), (1, 3), (5000, 1)],
)
def test_a_printing_resolution_is_no_calibration(path: Path, dpi: float, unit: int) -> None:
    tifffile.imwrite(path, noise((9, 8)), resolution=(dpi, dpi), resolutionunit=unit)
    assert read(path).spacing is None


def test_a_resolution_in_centimetres_is_a_calibration(path: Path) -> None:
    tifffile.imwrite(path, noise((9, 8)), resolution=(40_000, 20_000), resolutionunit=3)
    assert read(path).spacing_in("um") == pytest.approx((0.5, 0.25))


def test_pages_of_unknown_meaning_are_planes(path: Path) -> None:
    stack = noise((4, 9, 8))
    with tifffile.TiffWriter(path) as tif:
        for plane in stack:
            tif.write(plane, contiguous=False, metadata=None)
    assert read(path).axes == "ZYX"
    np.testing.assert_array_equal(read(path).array, stack)
    tifffile.imwrite(path, stack, photometric="minisblack")
    assert read(path).axes == "ZYX"


def test_several_unknown_axes_must_be_set(path: Path) -> None:
    array = noise((2, 3, 9, 8))
    tifffile.imwrite(path, array, photometric="minisblack")
    with pytest.raises(InputError, match=r"shape \(2, 3, 9, 8\)"):
        read(path)
    np.testing.assert_array_equal(read(path, axes="tzyx").array, array)


def test_given_axes_keep_the_spacing_of_each_axis(path: Path) -> None:
    write(Volume(noise((4, 9, 8)), "ZYX", (2.0, 0.5, 0.25), "um"), path)
    assert read(path, axes="ZYX").spacing == (2.0, 0.5, 0.25)
    assert read(path, axes="TYX").spacing == (0.5, 0.25)
    turned = read(path, axes="YXZ")
    assert (turned.axes, turned.shape, turned.spacing) == ("ZYX", (8, 4, 9), (0.25, 2.0, 0.5))


@pytest.mark.parametrize("axes", ["YX", "TZYX", "ZZX", "ZYQ", ""])
def test_axes_that_do_not_fit_are_refused_with_the_shape(path: Path, axes: str) -> None:
    write(Volume(noise((4, 9, 8)), "ZYX"), path)
    with pytest.raises(InputError, match=r"\(4, 9, 8\)"):
        read(path, axes=axes)


def test_axes_in_another_order_are_transposed(path: Path) -> None:
    array = noise((9, 8, 4))
    tifffile.imwrite(path, array, metadata={"axes": "YXZ"}, photometric="minisblack")
    volume = read(path)
    assert volume.axes == "ZYX"
    np.testing.assert_array_equal(volume.array, np.moveaxis(array, -1, 0))


@pytest.mark.parametrize(("count", "names"), [(3, RGB), (4, (*RGB, "alpha"))])
def test_samples_are_channels_of_colour(path: Path, count: int, names: tuple[str, ...]) -> None:
    array = noise((20, 30, count), "uint8")
    tifffile.imwrite(path, array, photometric="rgb")
    assert (read(path).axes, read(path).channel_names) == ("YXC", names)
    np.testing.assert_array_equal(read(path).array, array)
    planar = np.ascontiguousarray(np.moveaxis(array, -1, 0))
    tifffile.imwrite(path, planar, photometric="rgb", planarconfig="separate")
    assert (read(path).axes, read(path).channel_names) == ("CYX", names)
    np.testing.assert_array_equal(read(path).array, planar)


def test_colours_and_channels_together_are_refused(path: Path) -> None:
    array = noise((2, 20, 30, 3), "uint8")
    tifffile.imwrite(path, array, photometric="rgb", ome=True, metadata={"axes": "CYXS"})
    with pytest.raises(InputError, match="both"):
        read(path)


@pytest.mark.parametrize(
    "options",
    [
        {"bigtiff": True},
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd"},
        {"compression": "lzma", "tile": (16, 32)},
        {"byteorder": ">"},
        {"byteorder": ">", "bigtiff": True, "compression": "zlib"},
        {"rowsperstrip": 3},
    ],
    ids=str,
)
def test_every_storage_gives_the_same_pixels(path: Path, options: dict[str, Any]) -> None:
    array = noise((5, 40, 50))
    tifffile.imwrite(path, array, photometric="minisblack", **options)
    volume = read(path)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.array.dtype == np.uint16
    assert volume.array.dtype.isnative


def test_jpeg_pixels_are_close(path: Path) -> None:
    array = np.repeat(np.linspace(0, 255, 64).astype("uint8")[None], 64, axis=0)
    tifffile.imwrite(path, array, compression="jpeg", tile=(32, 32))
    assert np.abs(read(path).array.astype(int) - array).max() < 8


def test_one_bit_images_are_masks(path: Path) -> None:
    mask = noise((20, 33)) > 100
    tifffile.imwrite(path, mask)
    assert read(path).array.dtype == bool
    np.testing.assert_array_equal(read(path).array, mask)


def test_complex_numbers_are_refused(path: Path) -> None:
    tifffile.imwrite(path, np.ones((4, 4), "complex64"))
    with pytest.raises(InputError, match="complex64"):
        read(path)


def test_the_largest_image_of_several_is_read(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    large = noise((40, 50))
    with tifffile.TiffWriter(path) as tif:
        tif.write(noise((4, 5)))
        tif.write(large)
    np.testing.assert_array_equal(read(path).array, large)
    assert "holds 2 images; only number 2" in caplog.text


def test_levels_of_a_pyramid_are_one_image(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    large = noise((64, 96))
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(large, subifds=1, metadata={"axes": "YX"})
        tif.write(large[::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(read(path).array, large)
    assert not caplog.text


@pytest.mark.parametrize("kind", [{}, {"imagej": True}, {"ome": True}, {"bigtiff": True}], ids=str)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_cut_short_is_refused_or_whole_but_for_its_last_note(
    path: Path, kind: dict[str, bool], compression: str | None
) -> None:
    options = {"resolution": (4, 4), "compression": compression, **kind}
    array = noise((5, 32, 32), "uint8")
    tifffile.imwrite(path, array, **options)
    whole = path.read_bytes()
    for size in range(1, len(whole) - 20, 41):  # the last bytes may name the software
        path.write_bytes(whole[:size])
        with pytest.raises(FileError):
            read(path)
    path.write_bytes(whole[:-8])
    with contextlib.suppress(FileError):
        np.testing.assert_array_equal(read(path).array, array)


def test_a_large_imagej_stack_of_one_directory_cut_short_is_refused(path: Path) -> None:
    write(Volume(noise((5, 32, 32)), "ZYX"), path)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as tif:
        second = tif.pages[1].offset
        link = tif.pages[0].offset + 2 + 12 * len(tif.pages[0].tags)
        start = tif.pages[0].dataoffsets[0]
    single = whole[:link] + b"\0\0\0\0" + whole[link + 4 : second]
    path.write_bytes(single)
    assert read(path).shape == (5, 32, 32)
    path.write_bytes(single[: start + 3 * 2048])
    with pytest.raises(FileError, match="truncated"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"not an image", "not a TIFF"),
        (b"II*\0", "truncated"),
        (b"II*\0\x08\0\0\0", "truncated"),
        (b"II*\0\0\0\0\0", "TIFF"),
    ],
)
def test_files_that_are_not_tiff_are_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        read(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read(tmp_path / "none.tif")
    (tmp_path / "b.tif").mkdir()
    with pytest.raises(FileError, match="folder"):
        read(tmp_path / "b.tif")
    with pytest.raises(FileError, match=r"\.tif"):
        read(tmp_path / "a.docx")


def test_damaged_pixels_are_refused(path: Path) -> None:
    tifffile.imwrite(path, noise((32, 32)), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(FileError, match="cannot be read"):
        read(path)


def test_missing_files_of_a_recording_are_refused(tmp_path: Path) -> None:
    write(Volume(noise((4, 9, 8)), "ZYX"), tmp_path / "a.ome.tif")
    data = (tmp_path / "a.ome.tif").read_bytes()
    (tmp_path / "b.ome.tif").write_bytes(data.replace(b'PlaneCount="4"', b'PlaneCount="2"'))
    with pytest.raises(FileError, match="lacks 2 of its 4 planes"):
        read(tmp_path / "b.ome.tif")


def test_a_write_that_fails_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Volume(noise((9, 8)), "YX"), path)
    before = path.read_bytes()

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(FileError, match="No space left"):
        write(Volume(noise((9, 8)) + 1, "YX"), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "axes", "shape", "spacing"),
    [
        ("xy_16bit_calibrated__nuclei_various_shapes", "YX", (253, 269), (0.2, 0.2)),
        ("xyc_8bit__dapi_tublin", "CYX", (2, 730, 968), (0.454, 0.454)),
        ("xyz_8bit__mitotic_plate_calibrated", "ZYX", (6, 263, 263), (3.0, 0.0852, 0.0852)),
        ("xyz_8bit__mri_head", "ZYX", (27, 226, 186), None),
    ],
)
def test_real_files_are_read_with_their_calibration(
    shared_data: Path, name: str, axes: str, shape: tuple[int, ...], spacing: Any
) -> None:
    volume = read(shared_data / "formats" / "tiff" / f"{name}.tif")
    assert (volume.axes, volume.shape) == (axes, shape)
    assert volume.unit == ("px" if spacing is None else "um")
    assert volume.spacing == (None if spacing is None else pytest.approx(spacing, rel=1e-3))
