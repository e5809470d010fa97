"""Files open in a viewer calibrated and at their place, and layers are saved with both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npe2 import PluginManifest
from volumes import assert_same, numbered, oblique

import napari_tally
from napari_tally import read, write
from napari_tally.core.volume import Volume
from napari_tally.widgets.plugin.reader import get_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

PLUGIN = "napari-tally"
MANIFEST = Path(napari_tally.__file__).with_name("napari.yaml")


def world_of(layer: Any, index: tuple[int, ...]) -> np.ndarray:
    return np.asarray(layer.data_to_world(index))


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.mha"])
def test_an_oblique_volume_keeps_its_position(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path, name: str
) -> None:
    volume = oblique()
    write(volume, tmp_path / name)
    (layer,) = make_napari_viewer().open(tmp_path / name, plugin=PLUGIN)
    assert layer.axis_labels == ("z", "y", "x")
    assert {str(unit) for unit in layer.units} == {"millimeter"}
    np.testing.assert_allclose(layer.scale, volume.spacing, rtol=1e-5)
    expected = (volume.affine @ [1, 2, 3, 1])[:3]
    np.testing.assert_allclose(world_of(layer, (1, 2, 3)), expected, rtol=1e-4)


def test_a_sagittal_volume_is_drawn_with_its_points_in_place(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, -2.0, 0], [0, 0, 1], [3.0, 0, 0]])  # slices go to the left
    affine[:3, 3] = 4, 5, 6
    volume = numbered("ZYX", spacing=(3.0, 2.0, 1.0), unit="mm", affine=affine)
    write(volume, tmp_path / "a.nii.gz")
    viewer = make_napari_viewer()
    (layer,) = viewer.open(tmp_path / "a.nii.gz", plugin=PLUGIN)
    for index in ((0, 0, 0), (1, 2, 3), (3, 4, 5)):
        world = (affine @ [*index, 1])[:3]
        here = tuple(np.rint(layer.world_to_data(world)).astype(int))
        assert np.asarray(layer.data)[here] == volume.array[index]
    viewer.dims.ndisplay = 3


def test_labels_open_as_labels(make_napari_viewer: Callable[[], Viewer], tmp_path: Path) -> None:
    write(oblique(dtype=np.uint16, is_labels=True), tmp_path / "a.nii.gz")
    (layer,) = make_napari_viewer().open(tmp_path / "a.nii.gz", plugin=PLUGIN)
    assert type(layer).__name__ == "Labels"
    assert layer.data.max() == 119


def test_channels_are_layers_with_names_and_colours(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path
) -> None:
    cells = numbered("TCZYX", spacing=(2.0, 0.3, 0.3), unit="um", channel_names=("DNA", "actin"))
    write(cells, tmp_path / "cells.ome.zarr")
    labels = numbered("TZYX", np.uint16, spacing=(2.0, 0.3, 0.3), unit="um", is_labels=True)
    write(labels, tmp_path / "cells.ome.zarr" / "labels" / "nuclei")
    layers = make_napari_viewer().open(tmp_path / "cells.ome.zarr", plugin=PLUGIN)
    assert [layer.name for layer in layers] == [
        "cells.ome.zarr DNA", "cells.ome.zarr actin", "cells.ome.zarr nuclei",
    ]  # fmt: skip
    assert [layer.colormap.name for layer in layers[:2]] == ["magenta", "green"]
    assert layers[0].axis_labels == ("t", "z", "y", "x")
    assert list(layers[0].scale) == [1, 2, 0.3, 0.3]
    assert type(layers[2]).__name__ == "Labels"


def test_a_folder_of_dicom_opens_as_volumes(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path
) -> None:
    pytest.importorskip("pydicom")
    from dicoms import along, save_series

    stack = np.arange(60, dtype=np.int16).reshape(3, 5, 4)
    save_series(tmp_path / "ct", stack, along(3), SeriesNumber=3)
    save_series(tmp_path / "ct", stack, along(3) * 2, prefix="b", SeriesNumber=4)
    layers = make_napari_viewer().open(tmp_path / "ct", plugin=PLUGIN)
    assert [layer.name for layer in layers] == ["ct 3 CT", "ct 4 CT"]
    assert [layer.visible for layer in layers] == [True, False]
    np.testing.assert_allclose(layers[0].scale, (2.5, 0.8, 0.7))
    np.testing.assert_allclose(world_of(layers[0], (0, 0, 0)), (30, 20, -10))
    assert {tuple(layer.contrast_limits) for layer in layers} == {(0, 59)}


def test_files_that_others_read_are_left_to_them(tmp_path: Path) -> None:
    write(numbered("YX"), tmp_path / "a.tif")
    for path in (tmp_path / "a.tif", tmp_path, tmp_path / "a.txt"):
        assert get_reader(str(path)) is None
    (reader,) = PluginManifest.from_file(MANIFEST).contributions.readers
    assert not {"*", "*.tif", "*.png"} & set(reader.filename_patterns)


@pytest.mark.parametrize("name", ["b.nii.gz", "b.nrrd", "b.mha"])
@pytest.mark.parametrize("kind", ["image", "labels"])
def test_a_saved_layer_keeps_its_position(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path, name: str, kind: str
) -> None:
    volume = oblique(dtype=np.uint8, is_labels=kind == "labels")
    write(volume, tmp_path / "a.nii")
    viewer = make_napari_viewer()
    (layer,) = viewer.open(tmp_path / "a.nii", plugin=PLUGIN)
    saved = layer.save(str(tmp_path / name), plugin=PLUGIN)
    assert [Path(path).name for path in saved] == [name]
    assert_same(read(tmp_path / name), volume, rtol=1e-4)


@pytest.mark.parametrize("name", ["b.tif", "b.ome.zarr"])
def test_a_translation_and_other_units_are_saved(
    make_napari_viewer: Callable[[], Viewer], tmp_path: Path, name: str
) -> None:
    viewer = make_napari_viewer()
    layer = viewer.add_labels(
        np.eye(5, dtype=np.int64), scale=(0.5, 250), translate=(1, 0), units=("um", "nm"),
        axis_labels=("y", "x"),
    )  # fmt: skip
    layer.save(str(tmp_path / name), plugin=PLUGIN)
    found = read(tmp_path / name)
    assert found.array.dtype == np.uint8
    np.testing.assert_allclose(found.spacing_in("um"), (0.5, 0.25))
    if name.endswith("zarr"):
        np.testing.assert_allclose(found.affine[:2, 2], (1000, 0))


def test_colours_stay_colours(make_napari_viewer: Callable[[], Viewer], tmp_path: Path) -> None:
    names = ("red", "green", "blue")
    picture = Volume(np.zeros((4, 20, 30, 3), np.uint8), "ZYXC", channel_names=names)
    write(picture, tmp_path / "a.nii.gz")
    (layer,) = make_napari_viewer().open(tmp_path / "a.nii.gz", plugin=PLUGIN)
    assert layer.rgb
    layer.save(str(tmp_path / "b.nii.gz"), plugin=PLUGIN)
    assert_same(read(tmp_path / "b.nii.gz"), replace(picture, name="b.nii.gz"))
