"""A recording in several TIFF files, or one that was stopped: the file that was named decides."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_tally.core.errors import FileError, InputError, TallyError
from napari_tally.files import list_series, read, read_header
from napari_tally.files.expand_inputs import expand

HEAD = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
Y, X = 5, 6


def planes(count: int, first: int = 0) -> np.ndarray[Any, Any]:
    """Return planes of which each has its own value, from `first`."""
    return np.repeat(np.arange(first, first + count, dtype=np.uint16), Y * X).reshape(-1, Y, X)


def image(tiff_data: str, order: str = "XYZCT", number: int = 0, **sizes: int) -> str:
    lengths = {"Z": 1, "C": 1, "T": 1} | sizes
    text = " ".join(f'Size{a}="{n}"' for a, n in lengths.items())
    channels = "".join(
        f'<Channel ID="Channel:{number}:{c}" Name="c{c}" SamplesPerPixel="1"/>'
        for c in range(lengths["C"])
    )
    return (
        f'<Image ID="Image:{number}" Name="place {number}"><Pixels ID="Pixels:{number}" '
        f'DimensionOrder="{order}" Type="uint16" SizeX="{X}" SizeY="{Y}" {text} '
        f'PhysicalSizeX="0.2" PhysicalSizeY="0.3" PhysicalSizeZ="2">{channels}{tiff_data}'
        "</Pixels></Image>"
    )


def data(name: str, uuid: str, count: int = 1, **first: int) -> str:
    at = " ".join(f'First{a}="{n}"' for a, n in first.items())
    return (
        f'<TiffData IFD="0" PlaneCount="{count}" {at}><UUID FileName="{name}">urn:{uuid}</UUID>'
        "</TiffData>"
    )


def save(path: Path, array: np.ndarray[Any, Any], xml: str) -> Path:
    tifffile.imwrite(path, array, description=xml, metadata=None, photometric="minisblack")
    return path


def full(uuid: str, *images: str) -> str:
    return f'{HEAD} UUID="urn:{uuid}">{"".join(images)}</OME>'


def values(volume: Any) -> list[int]:
    """Return the value of each plane."""
    return np.asarray(volume.array)[..., 0, 0].ravel().tolist()


def channels(folder: Path) -> list[Path]:
    xml = image("".join(data(f"c{c}.ome.tif", f"{c}", 3, C=c) for c in (0, 1)), C=2, T=3,
                order="XYZTC")  # fmt: skip
    return [save(folder / f"c{c}.ome.tif", planes(3, 10 * c), full(f"{c}", xml)) for c in (0, 1)]


def test_channels_in_files_are_one_image_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in channels(tmp_path):
        found = read(path)
        assert (found.axes, found.shape) == ("CTYX", (2, 3, Y, X))
        assert (found.spacing, found.unit) == ((0.3, 0.2), "um")
        assert found.channel_names == ("c0", "c1")
        assert values(found) == [0, 1, 2, 10, 11, 12]
        assert f"{path.name}: read with 1 other file of" in caplog.text


@pytest.mark.parametrize("kept", [0, 1])
def test_of_a_set_the_files_that_are_there_are_read(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    paths = channels(tmp_path)
    paths[1 - kept].unlink()
    found = read(paths[kept])
    assert (found.axes, found.channel_names) == ("TYX", (f"c{kept}",))
    assert values(found) == [10 * kept + t for t in range(3)]
    assert "3 of 6 planes are not there; read C 1 of 2" in caplog.text


def test_renamed_files_are_known_by_their_uuid(tmp_path: Path) -> None:
    first, second = channels(tmp_path)
    other = tmp_path / "moved"
    other.mkdir()
    shutil.move(first, other / "DAPI.ome.tif")
    assert values(read(other / "DAPI.ome.tif")) == [0, 1, 2]
    shutil.move(second, other / "GFP.ome.tif")
    assert values(read(other / "GFP.ome.tif")) == [0, 1, 2, 10, 11, 12]


def test_files_that_exchanged_their_names_are_not_mixed_up(tmp_path: Path) -> None:
    first, second = channels(tmp_path)
    first.rename(tmp_path / "x")
    second.rename(first)
    (tmp_path / "x").rename(second)
    assert values(read(first)) == [0, 1, 2, 10, 11, 12]


def test_a_single_renamed_file_is_whole(tmp_path: Path) -> None:
    xml = image(data("before.ome.tif", "a", 3), T=3)
    for uuid in ("a", "b"):
        found = read(save(tmp_path / f"after{uuid}.ome.tif", planes(3), full(uuid, xml)))
        assert (found.axes, values(found)) == ("TYX", [0, 1, 2])


def test_a_position_is_that_of_the_named_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    xml = [image(data(f"p{p}.ome.tif", f"{p}", 2), T=2, number=p) for p in range(3)]
    for p in range(3):
        save(tmp_path / f"p{p}.ome.tif", planes(2, 10 * p), full(f"{p}", *xml))
    for p in range(3):
        path = tmp_path / f"p{p}.ome.tif"
        assert values(read(path)) == [10 * p, 10 * p + 1]
        assert len(list_series(path)) == 3
    assert not caplog.text
    assert values(read(tmp_path / "p0.ome.tif", series="3")) == [20, 21]


def test_frames_in_files_are_in_the_order_of_the_metadata(tmp_path: Path) -> None:
    names = ("b.ome.tif", "a.ome.tif", "c.ome.tif")
    xml = image("".join(data(n, f"{t}", 1, T=t) for t, n in enumerate(names)), T=3)
    for t, name in enumerate(names):
        save(tmp_path / name, planes(1, t), full(f"{t}", xml))
    assert values(read(tmp_path / "a.ome.tif")) == [0, 1, 2]


def companion(folder: Path, *, named: str = "x.companion.ome", write: bool = True) -> list[Path]:
    xml = image("".join(data(f"x{c}.tif", f"{c}", 3, C=c) for c in (0, 1)), C=2, T=3,
                order="XYZTC")  # fmt: skip
    if write:
        (folder / "x.companion.ome").write_text(full("set", xml))
    only = f'<BinaryOnly MetadataFile="{named}" UUID="urn:set"/>'
    return [save(folder / f"x{c}.tif", planes(3, 10 * c), full(f"{c}", only)) for c in (0, 1)]


def test_a_companion_file_gives_axes_and_voxel_size(tmp_path: Path) -> None:
    for path in (*companion(tmp_path), tmp_path / "x.companion.ome"):
        for found in (read(path), read_header(path)):
            assert (found.axes, found.shape) == ("CTYX", (2, 3, Y, X))
            assert (found.spacing, found.unit) == ((0.3, 0.2), "um")
        assert values(read(path)) == [0, 1, 2, 10, 11, 12]


def test_a_renamed_companion_is_found(tmp_path: Path) -> None:
    path = companion(tmp_path, named="before.companion.ome")[1]
    assert read(path).axes == "CTYX"


def test_frames_without_their_companion_are_not_taken_for_slices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = companion(tmp_path, write=False)[0]
    with pytest.raises(InputError, match=r"x\.companion\.ome, which is not there.*--axes"):
        read(path)
    assert read(path, axes="TYX").axes == "TYX"
    only = full("a", '<BinaryOnly MetadataFile="y.companion.ome" UUID="urn:set"/>')
    assert not read(save(tmp_path / "one.tif", planes(1), only)).calibrated
    assert "y.companion.ome, which has its voxel size, is not there" in caplog.text


def test_a_companion_without_its_files_is_refused(tmp_path: Path) -> None:
    for path in companion(tmp_path):
        path.unlink()
    with pytest.raises(FileError, match="none of them is there"):
        read(tmp_path / "x.companion.ome")
    (tmp_path / "x.companion.ome").write_text("<OME")
    with pytest.raises(FileError, match="is not OME-XML"):
        read(tmp_path / "x.companion.ome")


@pytest.mark.parametrize(
    ("sizes", "order", "there", "axes", "expected", "word"),
    [
        ({"T": 4}, "XYZCT", 2, "TYX", [0, 1], "T 2 of 4"),
        ({"Z": 4}, "XYZCT", 3, "ZYX", [0, 1, 2], "Z 3 of 4"),
        ({"Z": 2, "T": 3}, "XYZCT", 3, "ZYX", [0, 1], "T 1 of 3"),
        ({"Z": 3, "C": 2}, "XYCZT", 5, "ZCYX", [0, 1, 2, 3], "Z 2 of 3"),
    ],
)
@pytest.mark.parametrize("kind", ["all", "each"])
def test_a_recording_that_was_stopped_opens_with_what_is_there(
    tmp_path: Path, sizes: Any, order: str, there: int, axes: str, expected: list[int], word: str,
    kind: str, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    total = int(np.prod(list(sizes.values())))
    each = "".join(
        f'<TiffData IFD="{n}" PlaneCount="1" '
        + " ".join(
            f'First{a}="{i}"'
            for a, i in zip(
                order[:1:-1],
                np.unravel_index(n, [sizes.get(a, 1) for a in order[:1:-1]]),
                strict=True,
            )
        )
        + "/>"
        for n in range(total)
    )
    xml = f"{HEAD}>{image('<TiffData/>' if kind == 'all' else each, order, **sizes)}</OME>"
    found = read(save(tmp_path / "a.ome.tif", planes(there), xml))
    assert (found.axes, values(found)) == (axes, expected)
    assert f"{total - there} of {total} planes are not there; read" in caplog.text
    assert word in caplog.text


def test_a_stack_of_imagej_that_was_stopped_opens_with_what_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "ImageJ=1.54f\nimages=12\nslices=3\nframes=4\nhyperstack=true\nunit=um\nspacing=2\n"
    tifffile.imwrite(
        tmp_path / "a.tif", planes(7), description=text, metadata=None, resolution=(5, 4)
    )
    found = read(tmp_path / "a.tif")
    assert (found.axes, found.spacing) == ("TZYX", (2.0, 0.25, 0.2))
    assert values(found) == [0, 1, 2, 3, 4, 5]
    assert "5 of 12 planes are not there; read T 2 of 4" in caplog.text


@pytest.mark.parametrize(
    "attributes",
    [
        'SizeZ="1000000000"', 'SizeT="4611686018427387904"', 'SizeZ="-1"', 'SizeZ="0"',
        'SizeZ="x"', 'SizeZ="1" DimensionOrder="XY"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("tiff_data", ["<TiffData/>", '<TiffData IFD="0" PlaneCount="99999999"/>'])
def test_absurd_sizes_take_no_memory(tmp_path: Path, attributes: str, tiff_data: str) -> None:
    xml = image(tiff_data, Z=77).replace('SizeZ="77"', attributes, 1)
    if "DimensionOrder" in attributes:
        xml = xml.replace('DimensionOrder="XYZCT" ', "")
    try:
        assert read(save(tmp_path / "a.ome.tif", planes(1), f"{HEAD}>{xml}</OME>")).shape == (Y, X)
    except TallyError as error:
        assert "\n" not in str(error)


def test_a_small_file_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint16), compression="zlib")
    raw = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        places = [tif.pages[0].tags[tag].offset for tag in (256, 257, 278)]
    for at in places:  # columns, rows, rows a strip
        raw[at + 2 : at + 12] = b"\x04\0\x01\0\0\0" + (99999).to_bytes(4, "little")
    path.write_bytes(raw)
    for function in (read, read_header):
        with pytest.raises(FileError, match="claims"):
            function(path)


def test_a_description_does_not_decode_pixels(tmp_path: Path, monkeypatch: Any) -> None:
    path = channels(tmp_path)[0]
    tifffile.imwrite(tmp_path / "a.tif", planes(4), imagej=True, metadata={"axes": "ZYX"})

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", fail)
    assert read_header(path).shape == (2, 3, Y, X)
    assert read_header(tmp_path / "a.tif").axes == "ZYX"


def test_files_of_one_image_are_one_input(tmp_path: Path) -> None:
    channels(tmp_path)
    assert [source.path.name for source in expand([tmp_path])] == ["c0.ome.tif"]
    xml = [image(data(f"p{p}.ome.tif", f"{p}", 2), T=2, number=p) for p in range(2)]
    for p in range(2):
        save(tmp_path / f"p{p}.ome.tif", planes(2), full(f"{p}", *xml))
    (tmp_path / "broken.ome.tif").write_bytes(b"II*\0no")
    names = [source.path.name for source in expand([tmp_path])]
    assert names == ["broken.ome.tif", "c0.ome.tif", "p0.ome.tif", "p1.ome.tif"]


def test_pages_that_the_metadata_leave_out_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for depth, tiff_data in ((1, "<TiffData/>"), (2, '<TiffData IFD="0" PlaneCount="2"/>')):
        caplog.clear()
        xml = f"{HEAD}>{image(tiff_data, Z=depth)}</OME>"
        found = read(save(tmp_path / f"{depth}.ome.tif", planes(3), xml))
        assert values(found) == list(range(depth))
        assert f"describes {depth} of its 3 pages; the others are left out" in caplog.text
