"""OME-Zarr is read lazily with its calibration; labels go into the group of their image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from volumes import assert_same, numbered, oblique

from napari_tally import read, write
from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.files.expand_inputs import expand
from napari_tally.files.formats import ome_zarr

UM: dict[str, Any] = {"unit": "um"}
NAMES = ("z", "y", "x")


def moved(volume: Volume, start: tuple[float, ...]) -> Volume:
    """Return a volume whose first voxel lies elsewhere."""
    affine = np.diag([*volume.spacing_in(volume.unit), 1.0])
    affine[:-1, -1] = start
    return replace(volume, affine=affine)


VOLUMES = [
    numbered("ZYX", np.float32, spacing=(2.0, 0.3, 0.3), **UM),
    moved(numbered("ZYX", spacing=(2.0, 0.3, 0.3), unit="mm"), (5.0, -7.0, 0.5)),
    numbered("TCZYX", np.uint16, spacing=(2.0, 0.3, 0.3), channel_names=("DNA", "actin"), **UM),
    numbered("ZYXC", np.uint8, spacing=(2.0, 0.3, 0.3), unit="nm"),
    numbered("TYX", np.float64, spacing=(0.5, 0.25), **UM),
    numbered("YX", np.uint16),
    numbered("ZYX", np.uint8, spacing=(2.0, 0.3, 0.3), is_labels=True, **UM),
]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("volume", VOLUMES, ids=lambda v: f"{v.axes}-{v.array.dtype}-{v.unit}")
def test_a_written_file_is_read_again(tmp_path: Path, volume: Volume, version: str) -> None:
    path = tmp_path / "cells.ome.zarr"
    write(volume, path, zarr_version=version)
    found = read(path)
    assert isinstance(found.array, da.Array)
    assert_same(found, volume)
    assert ome_zarr.Node.opened(path).version == version
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_0_4_is_written_unless_another_version_is_chosen(tmp_path: Path) -> None:
    write(numbered("YX"), tmp_path / "a.zarr")
    assert ome_zarr.Node.opened(tmp_path / "a.zarr").version == "0.4"
    with pytest.raises(InputError, match=r"'0\.4' or '0\.5', not '0\.3'"):
        write(numbered("YX"), tmp_path / "b.zarr", zarr_version="0.3")
    labels = replace(numbered("YX", np.uint8), is_labels=True)
    with pytest.raises(InputError, match=r"0\.5 cannot be added to an OME-Zarr 0\.4"):
        write(labels, tmp_path / "a.zarr" / "labels" / "x", zarr_version="0.5")
    with pytest.raises(InputError, match="TIFF has no option zarr_version"):
        write(numbered("YX"), tmp_path / "a.tif", zarr_version="0.5")


def test_writing_again_replaces_the_whole_folder(tmp_path: Path) -> None:
    write(numbered("ZYX"), tmp_path / "a.zarr")
    write(numbered("YX"), tmp_path / "a.zarr")
    assert_same(read(tmp_path / "a.zarr"), numbered("YX"))


def test_a_large_image_gets_smaller_levels_at_the_same_place(tmp_path: Path) -> None:
    array = np.zeros((2, 2100, 1500), np.uint16)
    array[0, 400:404, 800:804] = 9
    for labels in (False, True):
        path = tmp_path / f"{labels}.ome.zarr"
        write(Volume(array, "ZYX", (2.0, 0.5, 0.5), "um", is_labels=labels), path)
        levels = ome_zarr.levels(path)
        assert [level.shape for level in levels] == [
            (2, 2100, 1500), (2, 1050, 750), (2, 525, 375),
        ]  # fmt: skip
        assert levels[2].spacing == (2.0, 2.0, 2.0)
        for level in levels:
            affine = np.diag([*level.spacing, 1.0]) if level.affine is None else level.affine
            places = np.argwhere(np.asarray(level.array) == 9)
            middle = (affine @ np.append(places.mean(0), 1))[1:3]
            np.testing.assert_allclose(middle, (200.75, 400.75), atol=0.76 if labels else 1e-9)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_go_into_the_group_of_their_image(tmp_path: Path, version: str) -> None:
    image = moved(numbered("CZYX", np.uint16, spacing=(2.0, 0.3, 0.3), **UM), (1.0, 2.0, 3.0))
    path = tmp_path / "cells.ome.zarr"
    write(image, path, zarr_version=version)
    labels = replace(moved(numbered("ZYX", np.uint32, spacing=(2.0, 0.3, 0.3), **UM), (1, 2, 3)),
                     is_labels=True)  # fmt: skip
    write(labels, path / "labels" / "nuclei")
    write(labels, path / "labels" / "cells")
    assert_same(read(path / "labels" / "nuclei"), labels)
    assert_same(read(path, series="labels/cells"), labels)
    assert_same(read(path), image)
    assert [s.key for s in ome_zarr.list_series(path)] == [".", "labels/nuclei", "labels/cells"]
    attributes = dict(zarr.open_group(path / "labels" / "nuclei", mode="r").attrs)
    own = attributes.get("ome", attributes)
    assert own["image-label"]["source"]["image"] == "../../"
    assert ome_zarr.Node.opened(path / "labels" / "nuclei").version == version
    with pytest.raises(InputError, match="labels/NAME"):
        write(labels, path / "nuclei")


def test_a_lost_rotation_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(oblique(), tmp_path / "a.ome.zarr")
    assert_same(read(tmp_path / "a.ome.zarr"), replace(oblique(), affine=None))
    assert "keeps the spacing, not the orientation" in caplog.text


def made(path: Path, **attributes: Any) -> Path:
    """Write a group of version 0.4 with one array of shape (2, 4, 5)."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", data=np.zeros((2, 4, 5), np.uint8))
    group.attrs.update(attributes)
    return path


def multiscales(*transforms: dict[str, Any], units: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    axes = [{"name": n, "type": "space"} for n in NAMES]
    for axis, unit in zip(axes, units, strict=False):
        axis["unit"] = unit
    datasets = [{"path": "0", "coordinateTransformations": [transforms[0]]}]
    scale = {"version": "0.4", "axes": axes, "datasets": datasets}
    return [scale | ({"coordinateTransformations": list(transforms[1:])} if transforms[1:] else {})]


def test_transforms_of_the_level_and_of_the_image_add_up(tmp_path: Path) -> None:
    metadata = multiscales(
        {"type": "scale", "scale": [1, 2, 3]}, {"type": "scale", "scale": [10, 10, 10]},
        {"type": "translation", "translation": [0, 5, 0]}, units=("nanometer",) * 3,
    )  # fmt: skip
    found = read(made(tmp_path / "a.zarr", multiscales=metadata))
    assert (found.spacing, found.unit) == ((10.0, 20.0, 30.0), "nm")
    assert list(found.affine[:3, 3]) == [0, 5, 0]


def test_axes_in_different_units_are_converted_to_one(tmp_path: Path) -> None:
    metadata = multiscales(
        {"type": "scale", "scale": [1, 200, 300]},
        units=("micrometer", "nanometer", "nanometer"),
    )
    found = read(made(tmp_path / "a.zarr", multiscales=metadata))
    assert (found.spacing, found.unit) == ((1000.0, 200.0, 300.0), "nm")


def test_a_scale_without_a_unit_is_no_calibration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metadata = multiscales({"type": "scale", "scale": [1, 2, 3]})
    assert not read(made(tmp_path / "a.zarr", multiscales=metadata)).calibrated
    assert "no unit of length" in caplog.text


def test_groups_that_are_not_ome_zarr_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no multiscales, plate or well"):
        read(made(tmp_path / "plain.zarr"))
    with pytest.raises(InputError, match="does not follow OME-Zarr"):
        read(made(tmp_path / "old.zarr", multiscales=[{"version": "0.1", "datasets": []}]))
    (tmp_path / "empty.zarr").mkdir()
    zarr.save_array(tmp_path / "array.zarr", np.zeros((3, 3)))
    for name in ("empty.zarr", "array.zarr", "missing.zarr", "missing.zarr/0"):
        with pytest.raises(FileError, match=r"not a Zarr group|no Zarr group"):
            read(tmp_path / name)
    metadata = multiscales({"type": "scale", "scale": [1, 2, 3]})
    metadata[0]["datasets"][0]["path"] = "1"
    with pytest.raises(FileError, match="lacks its level 1"):
        read(made(tmp_path / "half.zarr", multiscales=metadata))


def test_an_ome_zarr_is_one_input(tmp_path: Path) -> None:
    write(numbered("YX"), tmp_path / "a.ome.zarr")
    write(numbered("YX"), tmp_path / "b.tif")
    for named in (tmp_path / "a.ome.zarr", f"{tmp_path}/*.zarr"):
        assert [(s.path.name, s.stem) for s in expand([named])] == [("a.ome.zarr", "a")]
    assert [s.stem for s in expand([tmp_path])] == ["a", "b"]


def test_a_file_of_bioformats2raw_opens_as_its_first_image(shared_data: Path) -> None:
    path = shared_data / "formats" / "mitotic_plate_calibrated.ome.zarr"
    found = read(path)
    assert (found.axes, found.shape, found.unit) == ("ZYX", (6, 263, 263), "um")
    np.testing.assert_allclose(found.spacing, (3.0, 0.0852, 0.0852), rtol=1e-3)
    assert found.channel_names == ("Channel 0",)
    tiff = read(shared_data / "formats" / "tiff" / "xyz_8bit__mitotic_plate_calibrated.tif")
    np.testing.assert_array_equal(np.asarray(found.array), tiff.array)
    assert read(path / "0").shape == found.shape
    assert len(ome_zarr.levels(path)) == 2


def test_a_plate_lists_its_fields_and_opens_one(shared_data: Path) -> None:
    path = shared_data / "formats" / "ome-zarr-examples" / "data" / "valid" / "plate-01.zarr"
    with pytest.raises(InputError, match="A/1/0, A/2/0, B/1/0, B/2/0"):
        read(path)
    assert read(path, series="B/2/0").shape == (1000, 1000)
    assert read(path / "B" / "2" / "0").shape == (1000, 1000)
    assert read(path / "B" / "2").shape == (1000, 1000)


def test_the_examples_of_the_specification(shared_data: Path) -> None:
    folder = shared_data / "formats" / "ome-zarr-examples" / "data"
    for kind in ("valid", "warning"):
        for path in sorted((folder / kind).glob("image*")):
            assert np.asarray(read(path).array).ndim in (2, 3)
    for path in sorted((folder / "invalid").glob("image*")):
        with pytest.raises((InputError, FileError)):
            read(path)
