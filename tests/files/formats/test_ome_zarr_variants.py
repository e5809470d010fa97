"""OME-Zarr as other programs write it is read right; what is damaged is refused in a sentence."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from napari_tally.core.errors import FileError, InputError, TallyError
from napari_tally.core.volume import Volume
from napari_tally.files import list_pyramids, list_series, read, write

DATA = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
SCALE = {"type": "scale", "scale": [2, 0.5, 0.25]}
SHIFT = {"type": "translation", "translation": [8, 4, 2]}
AXES = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]


def made(
    path: Path, multiscale: dict[str, Any], data: np.ndarray = DATA, **attributes: Any
) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", data=data, chunks=data.shape)
    group.attrs.update({"multiscales": [{"datasets": [{"path": "0"}], **multiscale}], **attributes})
    return path


def image(path: Path, *transforms: dict[str, Any], axes: Any = AXES, **attributes: Any) -> Path:
    levels = [{"path": "0", "coordinateTransformations": list(transforms)}]
    return made(path, {"version": "0.4", "axes": axes, "datasets": levels}, **attributes)


@pytest.mark.parametrize(
    "omero",
    [
        None, {}, [], "hints", {"channels": None}, {"channels": "red"}, {"channels": [None, 3]},
        {"channels": [{"label": "DNA"}]}, {"channels": [{"color": 255, "window": {"start": "x"}}]},
        {"channels": [{"color": "#00ff00", "window": None, "active": "yes"}], "rdefs": 5},
    ],
)  # fmt: skip
def test_hints_of_display_are_not_needed(tmp_path: Path, omero: Any) -> None:
    path = image(tmp_path / "a.zarr", SCALE, omero=omero)
    found = read(path)
    assert (found.axes, found.spacing, found.unit) == ("ZYX", (2.0, 0.5, 0.25), "um")
    assert len(list_pyramids(path)[0].levels) == 1


def test_versions_before_axes_had_types(tmp_path: Path) -> None:
    data = np.arange(48, dtype=np.uint8).reshape(1, 2, 2, 3, 4)
    for version, axes in (("0.1", {}), ("0.2", {}), ("0.3", {"axes": list("tczyx")})):
        found = read(made(tmp_path / f"{version}.zarr", {"version": version, **axes}, data))
        assert (found.axes, found.spacing) == ("CZYX", None)
        np.testing.assert_array_equal(found.array, data[0])
    with pytest.raises(InputError, match=r"before 0\.3.*--axes, such as ZYX"):
        read(made(tmp_path / "b.zarr", {"version": "0.1"}))
    assert read(tmp_path / "b.zarr", axes="ZYX").axes == "ZYX"
    with pytest.raises(InputError, match=r"version 0\.6.*newest"):
        read(made(tmp_path / "c.zarr", {"version": "0.6", "axes": AXES}))


def test_axes_of_names_alone_are_micrometres_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for axes in (list("zyx"), [{"name": n} for n in "zyx"]):
        found = read(image(tmp_path / "a.zarr", SCALE, axes=axes))
        assert (found.axes, found.spacing, found.unit) == ("ZYX", (2.0, 0.5, 0.25), "um")
        assert "taken to be in um" in caplog.text


def test_transformations_apply_in_the_order_in_which_they_stand(tmp_path: Path) -> None:
    first = read(image(tmp_path / "a.zarr", SHIFT, SCALE))
    then = read(image(tmp_path / "b.zarr", SCALE, SHIFT))
    assert first.spacing == then.spacing == (2.0, 0.5, 0.25)
    assert first.affine[:3, 3].tolist() == [16, 2, 0.5]
    assert then.affine[:3, 3].tolist() == [8, 4, 2]


def test_one_scale_for_all_levels(tmp_path: Path) -> None:
    whole = {"axes": AXES, "coordinateTransformations": [SCALE]}
    assert read(made(tmp_path / "a.zarr", whole)).spacing == (2.0, 0.5, 0.25)


def test_the_size_of_a_negative_scale_is_kept_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flipped = {"type": "scale", "scale": [2, -0.5, 0.25]}
    found = read(image(tmp_path / "a.zarr", flipped, SHIFT))
    assert (found.spacing, found.affine) == ((2.0, 0.5, 0.25), None)
    np.testing.assert_array_equal(found.array, DATA)
    assert "scale of Y is negative" in caplog.text


@pytest.mark.parametrize("scale", [[0, 1, 1], [float("nan"), 1, 1], ["a", 1, 1], [1, 1], None, {}])
def test_a_scale_that_is_none_is_not_taken(tmp_path: Path, scale: Any) -> None:
    path = image(tmp_path / "a.zarr", {"type": "scale", "scale": scale})
    try:
        assert read(path).spacing is None
    except InputError as error:
        assert "not of 3 numbers" in str(error)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("um", "um"), ("µm", "um"), ("microns", "um"), ("Nanometer", "nm"), ("angstrom", "angstrom")],
)
def test_units_as_programs_write_them(tmp_path: Path, unit: str, expected: str) -> None:
    axes = [axis | {"unit": unit} for axis in AXES]
    assert read(image(tmp_path / "a.zarr", SCALE, axes=axes)).unit == expected


def test_a_unit_that_is_not_known_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    axes = [axis | {"unit": "parsec"} for axis in AXES]
    assert not read(image(tmp_path / "a.zarr", SCALE, axes=axes)).calibrated
    assert "unit 'parsec' is not known" in caplog.text


def test_axes_in_another_order_are_brought_into_ours(tmp_path: Path) -> None:
    axes = [AXES[2], AXES[1], AXES[0]]
    found = read(image(tmp_path / "a.zarr", SCALE, axes=axes))
    assert (found.axes, found.spacing) == ("ZYX", (0.25, 0.5, 2.0))
    np.testing.assert_array_equal(found.array, DATA.T)
    odd = [{"name": n, "type": "space"} for n in "zyy"]
    with pytest.raises(InputError, match=r"z, y, y.*--axes"):
        read(image(tmp_path / "b.zarr", SCALE, axes=odd))
    assert read(tmp_path / "b.zarr", axes="ZYX").shape == DATA.shape


def test_spatial_names_are_free(tmp_path: Path) -> None:
    axes = [a | {"name": n} for a, n in zip(AXES, ("depth", "row", "column"), strict=True)]
    assert read(image(tmp_path / "a.zarr", SCALE, axes=axes)).axes == "ZYX"


def test_missing_chunks_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = image(tmp_path / "a.zarr", SCALE)
    for chunk in (path / "0").glob("[0-9]*"):
        chunk.unlink()
    assert not np.asarray(read(path).array).any()
    assert "1 of 1 chunks are not stored" in caplog.text


def test_labels_that_are_not_there_do_not_hide_the_image(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", SCALE)
    zarr.open_group(path / "labels", mode="w", zarr_format=2).attrs["labels"] = ["lost"]
    assert len(list_pyramids(path)) == 1


def test_names_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    image(tmp_path / "other.zarr", SCALE)
    for inside in ("../other.zarr/0", str(tmp_path / "other.zarr" / "0")):
        with pytest.raises(FileError, match="outside its folder"):
            read(made(tmp_path / "a.zarr", {"axes": AXES, "datasets": [{"path": inside}]}))


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", SCALE)
    noted = json.loads((path / "0/.zarray").read_text())
    for change in (
        {"compressor": {"id": "pickle"}},
        {"filters": [{"id": "pickle"}]},
        {"dtype": "|O", "compressor": {"id": "pickle"}, "filters": [{"id": "vlen-utf8"}]},
        {"dtype": "<c8"},
        {"dtype": "|S5"},
    ):
        (path / "0/.zarray").write_text(json.dumps(noted | {"fill_value": None} | change))
        with pytest.raises(FileError):
            read(path)


@pytest.mark.parametrize("place", ["0/.zarray", "0/0.0.0"])
def test_pipes_are_not_opened(tmp_path: Path, place: str) -> None:
    path = image(tmp_path / "a.zarr", SCALE)
    (path / place).unlink()
    os.mkfifo(path / place)
    with pytest.raises(FileError, match="named pipe"):
        np.asarray(read(path).array)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2, 10**6, 4]}, {"shape": [10**15, 3, 4], "chunks": [1, 3, 4]},
        {"shape": [10**9, 10**9, 10**9]},
        {"shape": [2**40] * 3, "chunks": [2**40] * 3}, {"shape": [0, 3, 4]}, {"shape": []},
        {"chunks": [0, 3, 4]}, {"chunks": [-1, 3, 4]}, {"shape": None}, {"shape": "many"},
    ],
)  # fmt: skip
def test_absurd_sizes_are_refused_before_reading(tmp_path: Path, change: dict[str, Any]) -> None:
    path = image(tmp_path / "a.zarr", SCALE)
    noted = json.loads((path / "0/.zarray").read_text())
    (path / "0/.zarray").write_text(json.dumps(noted | change))
    with pytest.raises(TallyError):
        np.asarray(read(path).array)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_every_damage_is_one_sentence(tmp_path: Path, version: str) -> None:
    whole = tmp_path / "a.zarr"
    write(Volume(DATA, "ZYX", (2.0, 0.5, 0.25), "um", channel_names=("a",)), whole,
          zarr_version=version)  # fmt: skip
    write(Volume(DATA, "ZYX", (2.0, 0.5, 0.25), "um", is_labels=True), whole / "labels" / "n")
    files = sorted(p for p in whole.rglob("*") if p.is_file())
    chance = random.Random(0)
    for number in range(120):
        path = chance.choice(files)
        before = path.read_bytes()
        path.write_bytes(_damaged(before, chance, number))
        for function in (read, list_series, list_pyramids):
            try:
                found = function(whole)
                if isinstance(found, Volume):
                    np.asarray(found.array)
            except TallyError as error:
                assert "\n" not in str(error)
        path.write_bytes(before)


def _damaged(data: bytes, chance: random.Random, number: int) -> bytes:
    where = chance.randrange(len(data) or 1)
    kind = number % 4
    if kind == 0:
        return data[:where]
    if kind == 1:
        return data[:where] + bytes([chance.randrange(256)]) + data[where + 1 :]
    if kind == 2:
        odd = (b"null", b"[]", b"{}", b"-1", b"1e999", b'"x"', b"[" * 5000, b"true")
        return data[:where] + chance.choice(odd) + data[where + 1 :]
    return chance.choice((b"", b"null", b"[]", b"3", b"[" * 100_000, b"{" * 9, b"\xff" * 40))


@pytest.mark.parametrize("shape", [(3, 20000), (20000, 3), (2, 5, 3000)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float16])
def test_strips_and_wide_integers_are_written(
    tmp_path: Path, shape: tuple[int, ...], dtype: type
) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    write(Volume(array, "ZYX"[-len(shape) :], (0.5,) * len(shape), "um"), tmp_path / "a.ome.zarr")
    levels = list_pyramids(tmp_path / "a.ome.zarr")[0].levels
    np.testing.assert_array_equal(levels[0].array, array)
    last = levels[-1]
    assert max(last.shape) <= 1024
    extent = np.multiply(last.shape[-2:], last.spacing[-2:])
    np.testing.assert_allclose(extent, np.multiply(shape[-2:], 0.5), rtol=0.01)


def test_all_chunks_of_an_image_are_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    black = np.zeros((3, 20, 30), np.uint16)
    write(Volume(black, "ZYX", (1, 1, 1), "um"), tmp_path / "a.ome.zarr")
    assert not np.asarray(read(tmp_path / "a.ome.zarr").array).any()
    assert not caplog.text


def test_wells_of_a_plate_that_are_not_there_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    group = zarr.open_group(tmp_path / "p.zarr", mode="w", zarr_format=2)
    group.attrs["plate"] = {"wells": [{"path": "A/1"}]}
    group.create_group("A/1").attrs["well"] = {"images": [{"path": "0"}]}
    image(tmp_path / "p.zarr" / "A" / "1" / "0", SCALE)
    assert [s.key for s in list_series(tmp_path / "p.zarr")] == ["A/1/0"] and not caplog.text
    group.attrs["plate"] = {"wells": [{"path": "A/1"}, {"path": "A/2"}]}
    assert [s.key for s in list_series(tmp_path / "p.zarr")] == ["A/1/0"]
    assert "lists 2 wells; not there: 1, such as A/2" in caplog.text
