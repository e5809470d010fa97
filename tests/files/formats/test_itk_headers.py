"""Headers of NRRD and MetaImage in all their forms give the same voxels as ITK, and their unit."""

from __future__ import annotations

import bz2
import gzip
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from napari_tally import read
from napari_tally.core.errors import FileError, InputError
from napari_tally.files import read_header

SimpleITK = pytest.importorskip("SimpleITK")
VOXELS = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
DIRECTIONS = "space directions: (0.38,0,0) (0,0.38,0) (0,0,0.76)"
WITHOUT_MATRIX = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 6 5 4\n"


def nrrd(path: Path, *lines: str, data: bytes = VOXELS.tobytes(), **fields: object) -> Path:
    """Write a NRRD of 6 x 5 x 4 uint16; a field of None is left out."""
    known = {"type": "uint16", "dimension": 3, "sizes": "6 5 4", "encoding": "raw"}
    given = known | {"endian": "little"} | fields
    text = [f"{name}: {value}" for name, value in given.items() if value is not None]
    path.write_bytes("\n".join(["NRRD0004", *text, *lines, "", ""]).encode() + data)
    return path


def metaimage(path: Path, *lines: str, file: str = "LOCAL", data: bytes = VOXELS.tobytes()) -> Path:
    text = WITHOUT_MATRIX + "".join(f"{line}\n" for line in ("ElementType = MET_USHORT", *lines))
    path.write_bytes(f"{text}ElementDataFile = {file}\n".encode() + data)
    return path


@pytest.mark.parametrize(
    ("lines", "unit"),
    [
        (["space dimension: 3", 'space units: "microns" "microns" "microns"'], "um"),
        (["space: left-posterior-superior", 'space units: "um" "um" "um"'], "um"),
        (["space: RAS", "space units: \"µm\" \"µm\" \"µm\""], "um"),
        (["space: RAS", "space units: nm nm nm"], "nm"),
        (["space: RAS", 'space units: "cm" "cm" "cm"'], "cm"),
        (["space dimension: 3", 'units: "mm" "mm" "mm"'], "mm"),
        (["space dimension: 3", 'space units: "m" "m" "m"'], "m"),
        (["space dimension: 3", 'space units: "inch" "inch" "inch"'], "inch"),
        (["space dimension: 3"], "mm"),
        (["space dimension: 3", 'space units: "" "" ""'], "mm"),
    ],
)  # fmt: skip
def test_lengths_are_in_the_unit_of_the_header(tmp_path: Path, lines: list[str], unit: str) -> None:
    found = read(nrrd(tmp_path / "a.nrrd", *lines, DIRECTIONS))
    assert found.unit == unit
    np.testing.assert_allclose(found.spacing, (0.76, 0.38, 0.38))


def test_units_an_axis_count_without_a_space_too(tmp_path: Path) -> None:
    found = read(nrrd(tmp_path / "a.nrrd", "spacings: 0.5 0.5 2", 'units: "um" "um" "um"'))
    assert (found.spacing, found.unit) == ((2.0, 0.5, 0.5), "um")
    found = read(nrrd(tmp_path / "a.nrrd", "spacings: 1 1 1", 'units: "um" "um" "um"'))
    assert (found.spacing, found.unit) == ((1.0, 1.0, 1.0), "um")


def test_different_units_are_converted_to_one(tmp_path: Path) -> None:
    lines = ["space dimension: 3", 'space units: "um" "um" "mm"', "space origin: (1,2,3)"]
    found = read(nrrd(tmp_path / "a.nrrd", *lines, DIRECTIONS))
    assert found.unit == "um"
    np.testing.assert_allclose(found.spacing, (760, 0.38, 0.38))
    np.testing.assert_allclose(found.affine[:3, 3], (3000, 2, 1))


@pytest.mark.parametrize("units", ['"furlong" "furlong" "furlong"', '"um" "um" ""'])
def test_a_unit_that_is_none_of_length_is_no_calibration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, units: str
) -> None:
    path = nrrd(tmp_path / "a.nrrd", "space dimension: 3", f"space units: {units}", DIRECTIONS)
    assert not read(path).calibrated
    assert "is not one of length; read as uncalibrated" in caplog.text


SPACES = ["RAS", "left-anterior-superior", "LPS", "scanner-xyz", "3D-left-handed"]


@pytest.mark.parametrize("space", SPACES)
def test_the_place_in_each_space_is_that_of_itk(tmp_path: Path, space: str) -> None:
    lines = [f"space: {space}", "space origin: (10,-20,30)"]
    lines.append("space directions: (0,-2,0) (0.5,0,0) (0,0,-3)")
    path = nrrd(tmp_path / "a.nrrd", *lines)
    found, by_itk = read(path), SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(found.array, SimpleITK.GetArrayFromImage(by_itk))
    left_posterior_superior = (found.affine @ [1, 2, 3, 1])[2::-1]
    np.testing.assert_allclose(
        left_posterior_superior, by_itk.TransformIndexToPhysicalPoint((3, 2, 1))
    )


def encoded(encoding: str) -> bytes:
    raw = VOXELS.tobytes()
    return {
        "raw": raw, "gzip": gzip.compress(raw), "bz2": bz2.compress(raw), "hex": raw.hex().encode(),
        "ascii": " ".join(map(str, VOXELS.ravel())).encode(),
    }[encoding]  # fmt: skip


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bz2", "hex", "ascii"])
@pytest.mark.parametrize("detached", [False, True])
def test_each_encoding_gives_the_same_voxels(tmp_path: Path, encoding: str, detached: bool) -> None:
    data = encoded(encoding)
    (tmp_path / "a.bin").write_bytes(data)
    lines = ["data file: a.bin"] if detached else []
    suffix = ".nhdr" if detached else ".nrrd"
    path = nrrd(tmp_path / f"a{suffix}", *lines, encoding=encoding, data=b"" if detached else data)
    np.testing.assert_array_equal(read(path).array, VOXELS)
    cut = data[: len(data) * 2 // 3]
    (tmp_path / "a.bin").write_bytes(cut)
    path = nrrd(tmp_path / f"a{suffix}", *lines, encoding=encoding, data=b"" if detached else cut)
    with pytest.raises(FileError, match=r"truncated|holds|ended"):
        read(path)


def test_byte_order_and_skipped_bytes_and_lines(tmp_path: Path) -> None:
    swapped = VOXELS.astype(">u2").tobytes()
    found = read(nrrd(tmp_path / "a.nrrd", endian="big", data=swapped)).array
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, VOXELS)
    for skip, before in ({"byte skip": 3}, b"abc"), ({"byte skip": -1}, b"abc"), (
        {"line skip": 2, "byte skip": 1}, b"one\ntwo\nx"
    ):  # fmt: skip
        path = nrrd(tmp_path / "a.nrrd", data=before + VOXELS.tobytes(), **skip)
        np.testing.assert_array_equal(read(path).array, VOXELS)
        np.testing.assert_array_equal(
            read(path).array, SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
        )


@pytest.mark.parametrize("named", ["s%02d.raw 1 4 1", "LIST\ns01.raw\ns02.raw\ns03.raw\ns04.raw"])
def test_slices_in_files_of_their_own_are_joined(tmp_path: Path, named: str) -> None:
    for number, plane in enumerate(VOXELS, 1):
        (tmp_path / f"s{number:02d}.raw").write_bytes(plane.tobytes())
    header = nrrd(tmp_path / "a.nhdr", data=f"data file: {named}\n".encode())
    header.write_bytes(header.read_bytes().replace(b"\n\ndata", b"\ndata"))
    np.testing.assert_array_equal(read(header).array, VOXELS)
    path = metaimage(tmp_path / "a.mhd", file=named, data=b"")
    np.testing.assert_array_equal(read(path).array, VOXELS)
    (tmp_path / "s03.raw").write_bytes(b"short")
    with pytest.raises(FileError, match="holds 185 bytes"):
        read(path)


def test_metaimages_in_all_forms_are_those_of_itk(tmp_path: Path) -> None:
    turned = ["TransformMatrix = 0 1 0 -1 0 0 0 0 1", "Offset = 1 2 3", "ElementSpacing = 2 3 4"]
    (tmp_path / "a.raw").write_bytes(b"head" + VOXELS.astype(">u2").tobytes())
    (tmp_path / "a.zraw").write_bytes(zlib.compress(VOXELS.tobytes()))
    paths = [
        metaimage(tmp_path / "local.mha", *turned),
        metaimage(tmp_path / "z.mhd", "CompressedData = True", *turned, file="a.zraw", data=b""),
        metaimage(
            tmp_path / "m.mhd", "ElementByteOrderMSB = True", "HeaderSize = 4", *turned,
            file="a.raw", data=b"",
        ),
        metaimage(
            tmp_path / "end.mhd", "BinaryDataByteOrderMSB = True", "HeaderSize = -1", *turned,
            file="a.raw", data=b"",
        ),
    ]  # fmt: skip
    for path in paths:
        found, by_itk = read(path), SimpleITK.ReadImage(str(path))
        np.testing.assert_array_equal(found.array, VOXELS)
        np.testing.assert_array_equal(found.array, SimpleITK.GetArrayFromImage(by_itk))
        np.testing.assert_allclose(
            (found.affine @ [1, 2, 3, 1])[2::-1], by_itk.TransformIndexToPhysicalPoint((3, 2, 1))
        )


def test_time_vectors_and_colours_are_told_apart_by_their_kinds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = {"dimension": 4, "sizes": "6 5 2 2"}
    directions = "space directions: (1,0,0) (0,1,0) (0,0,2) {}"
    for last, kinds in (("none", "time"), ("(nan,nan,nan)", "time")):
        lines = ["space: LPS", directions.format(last), f"kinds: space space space {kinds}"]
        found = read(nrrd(tmp_path / "t.nrrd", *lines, **film))
        assert (found.axes, found.spacing) == ("TZYX", (2, 1, 1))
        np.testing.assert_array_equal(found.array, VOXELS.reshape(2, 2, 5, 6))
    lines = ["space: LPS", directions.format("none"), 'units: "" "" "" "s"']
    assert read(nrrd(tmp_path / "t.nrrd", *lines, **film)).axes == "TZYX"
    assert not caplog.records
    lines = ["space: LPS", "space directions: none (1,0,0) (0,1,0) (0,0,2)"]
    vector = {"dimension": 4, "sizes": "2 6 5 2"}
    found = read(nrrd(tmp_path / "v.nrrd", *lines, "kinds: vector domain domain domain", **vector))
    assert found.axes == "ZYXC"
    np.testing.assert_array_equal(found.array, VOXELS.reshape(2, 5, 6, 2))
    colour = {"dimension": 3, "sizes": "3 8 5", "type": "uint8"}
    path = nrrd(tmp_path / "c.nrrd", "kinds: RGB-color space space", data=bytes(120), **colour)
    assert (read(path).axes, read(path).channel_names) == ("YXC", ("red", "green", "blue"))
    lines = ["kinds: list domain domain domain", 'units: "s" "" "" ""']
    assert read(nrrd(tmp_path / "sequence.nrrd", *lines, **vector)).axes == "TZYX"


def test_axes_that_are_no_grid_have_no_orientation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["space: LPS", "space directions: (1,0,0) (1,0,0) (0,0,2)"]
    found = read(nrrd(tmp_path / "a.nrrd", *lines))
    assert (found.spacing, found.affine) == ((2, 1, 1), None)
    assert "are no grid" in caplog.text


def test_the_extent_of_axes_gives_their_spacing_where_the_centers_are_known(tmp_path: Path) -> None:
    extent = ["axis mins: 0 0 0", "axis maxs: 3 2.5 8"]
    found = read(nrrd(tmp_path / "a.nrrd", *extent, "centers: cell cell cell"))
    assert found.spacing == (2.0, 0.5, 0.5)
    assert not read(nrrd(tmp_path / "a.nrrd", *extent)).calibrated


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../a.bin", "sub/a.bin", "~/a.bin", "a%s.bin 1 4 1", "%s%n.raw 1 3 1",
     "a%999999999d.raw 1 4 1", "a%02d%02d.raw 1 4 1", "a%02d.raw 1 999999999 1", "pipe", "link",
     "missing", "LIST\n/etc/passwd"],
)  # fmt: skip
def test_data_files_lie_beside_their_header(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path, folder / "sub"):
        (place / "a.bin").write_bytes(bytes(240))
    (folder / "link").symlink_to(tmp_path / "a.bin")
    os.mkfifo(folder / "pipe")
    header = nrrd(folder / "a.nhdr", data=f"data file: {name}\n".encode())
    header.write_bytes(header.read_bytes().replace(b"\n\ndata", b"\ndata"))
    for path in (header, metaimage(folder / "a.mhd", file=name, data=b"")):
        with pytest.raises(FileError, match="data file"):
            read(path)


BAD_NRRD = [
    {"dimension": 16, "sizes": "1 " * 16}, {"dimension": -3}, {"dimension": "1e9"},
    {"sizes": "6 5"},
    {"sizes": "6 5 -4"}, {"sizes": "6 5 0"}, {"sizes": "6 5 99999999999999999999"},
    {"sizes": "2048 2048 2048"}, {"type": "block"}, {"type": None}, {"encoding": "lzma"},
    {"byte skip": -7}, {"line skip": 99}, {"encoding": "gzip"}, {"spacings": "1 x 1"},
    {"space directions": "(1,0,0) (0,1)"}, {"dimension": 1, "sizes": 120},
]  # fmt: skip


@pytest.mark.parametrize("fields", BAD_NRRD, ids=str)
def test_a_nrrd_with_an_absurd_header_is_one_sentence(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    path = nrrd(tmp_path / "a.nrrd", **{"dimension": 3} | fields)
    with pytest.raises((FileError, InputError)) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [("NDims = 3", "NDims = 1e9"), ("NDims = 3", "NDims = -3"), ("NDims = 3", "NDims = 2"),
     ("6 5 4", "6 5 4000"), ("6 5 4", "6 5 -4"), ("MET_USHORT", "MET_STRING"),
     ("ObjectType = Image", "ObjectType = Mesh"), ("DimSize", "dimsize\0"), ("NDims", "\n\n")],
)  # fmt: skip
def test_a_metaimage_with_an_absurd_header_is_one_sentence(
    tmp_path: Path, old: str, new: str
) -> None:
    path = metaimage(tmp_path / "a.mha")
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    with pytest.raises(FileError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_header_is_read_without_its_pixels(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "a.nrrd", encoding="gzip", data=b"\x1f\x8b damaged" * 9)
    assert (read_header(path).shape, read_header(path).array.dtype) == ((4, 5, 6), np.uint16)
    with pytest.raises(FileError, match="cannot be read"):
        read(path)


def test_a_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    data = gzip.compress(bytes(2**20))
    path = nrrd(tmp_path / "a.nrrd", encoding="gzip", sizes="2048 2048 2048", data=data)
    code = (
        "import resource, sys; from napari_tally import read\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read(sys.argv[1])\n"
        "except OSError as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    sentence, kilobytes = run.stdout.splitlines()
    assert "claims 17.2 GB (2048 x 2048 x 2048 of uint16), but the file holds 1.1 kB" in sentence
    assert int(kilobytes) < 200_000


def test_directions_count_where_spacings_contradict_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["space: LPS", DIRECTIONS]
    assert read(nrrd(tmp_path / "a.nrrd", *lines, "spacings: 0.38 0.38 0.76")).calibrated
    assert not caplog.records
    found = read(nrrd(tmp_path / "a.nrrd", *lines, "spacings: 1 1 1"))
    np.testing.assert_allclose(found.spacing, (0.76, 0.38, 0.38))
    assert "space directions (0.38) count, not its spacings (1)" in caplog.text


@pytest.mark.parametrize(("given", "unit"), [("um", "um"), ("cm", "cm"), ("?", "mm"), ("mm", "mm")])
def test_a_metaimage_states_its_unit(tmp_path: Path, given: str, unit: str) -> None:
    path = metaimage(
        tmp_path / "a.mha", f"DistanceUnits = {given}", "ElementSpacing = 0.38 0.38 0.76"
    )
    assert read(path).unit == unit


def test_a_nrrd_without_space_and_unit_is_said_to_be_in_mm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(nrrd(tmp_path / "a.nrrd", "spacings: 0.38 0.38 0.76", 'units: "um" "um" "um"'))
    read(nrrd(tmp_path / "b.nrrd", "space: LPS", DIRECTIONS))
    assert not caplog.text
    assert read(nrrd(tmp_path / "c.nrrd", "spacings: 0.38 0.38 0.76")).unit == "mm"
    assert "c.nrrd: the header gives no unit of length; taken to be mm" in caplog.text


def test_the_axis_along_the_time_of_a_space_is_time(tmp_path: Path) -> None:
    path = nrrd(
        tmp_path / "a.nrrd", "space: left-posterior-superior-time",
        "space directions: (0.5,0,0,0) (0,0.5,0,0) (0,0,1,0) (0,0,0,30)",
        dimension=4, sizes="6 5 2 2",
    )  # fmt: skip
    found = read(path)
    assert (found.axes, found.spacing) == ("TZYX", (1, 0.5, 0.5))
