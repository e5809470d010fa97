"""What a dock knows of the size of voxels beyond the scale and units of a layer."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
from fields import nuclei

from napari_tally.widgets.layers.image_layer import axes_of, volume_of
from napari_tally.widgets.layers.label_layer import images_on_grid, label_volume
from napari_tally.widgets.layers.placement import placed_volume


def _write(path, array) -> None:
    """Write a TIFF of ImageJ with pixels of 0.5 x 0.25 µm."""
    tifffile.imwrite(path, array, imagej=True, resolution=(4, 2), metadata={"unit": "um"})


@pytest.fixture
def tiff_viewer(make_napari_viewer, _warm, tmp_path):
    """A viewer with an image that napari's own reader has opened, which drops the calibration."""
    _write(tmp_path / "field.tif", (nuclei((160, 200))[0] * 1000).astype(np.uint16))
    viewer = make_napari_viewer(show=True)
    viewer.open(tmp_path / "field.tif", plugin="napari")
    return viewer


def test_a_tiff_that_napari_has_read_keeps_what_the_file_says(tiff_viewer) -> None:
    (layer,) = tiff_viewer.layers
    assert layer.scale.tolist() == [1, 1]
    for volume in (volume_of(layer), placed_volume(layer)):
        assert (volume.spacing, volume.unit) == ((0.5, 0.25), "um")
    dock = tiff_viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    assert dock.form.spacing.value == "0.5,0.25um"


def test_the_axes_are_those_of_the_file(make_napari_viewer, tmp_path) -> None:
    stack = np.zeros((4, 32, 40), np.uint16)
    viewer = make_napari_viewer()
    for axes in ("ZYX", "TYX", "CYX"):
        tifffile.imwrite(tmp_path / f"{axes}.tif", stack, imagej=True, metadata={"axes": axes})
        (layer,) = viewer.open(tmp_path / f"{axes}.tif", plugin="napari")
        assert axes_of(layer) == axes
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((32, 40, 3), np.uint8))
    (layer,) = viewer.open(tmp_path / "rgb.tif", plugin="napari")
    assert layer.rgb and axes_of(layer) == "YXC"


def test_a_scale_of_the_layer_goes_before_the_file(tiff_viewer) -> None:
    (layer,) = tiff_viewer.layers
    layer.scale = (2, 2)
    assert volume_of(layer).spacing is None
    layer.units = ("um", "um")
    assert volume_of(layer).spacing == (2, 2)


def test_a_file_that_is_another_now_says_nothing(tiff_viewer) -> None:
    (layer,) = tiff_viewer.layers
    path = layer.source.path
    for change in (lambda: _write(path, np.zeros((9, 9), np.uint16)), lambda: os.truncate(path, 9)):
        change()
        os.utime(path, ns=(1, os.stat(path).st_size))
        assert volume_of(layer).spacing is None
    os.remove(path)
    assert volume_of(layer).spacing is None


def test_results_and_painted_labels_are_as_large_as_their_image(tiff_viewer, finish) -> None:
    dock = tiff_viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    finish(dock)
    image, found = tiff_viewer.layers
    assert label_volume(found).spacing == (0.5, 0.25)
    assert "area_um2" in found.features
    painted = tiff_viewer.add_labels(np.zeros((160, 200), int), name="painted")
    assert label_volume(painted).spacing is None
    assert label_volume(painted, images=[image]).spacing == (0.5, 0.25)
    measure = tiff_viewer.window.add_plugin_dock_widget("napari-tally", "Measure")[1]
    assert measure.form.spacing.value == "0.5,0.25um"


def test_a_typed_voxel_size_applies_to_the_result(viewer, dock, finish) -> None:
    layer = viewer.layers["field"]
    layer.units, layer.scale = ("pixel", "pixel"), (1, 1)
    dock.form.spacing.value = "0.3um"
    finish(dock)
    volume = label_volume(viewer.layers["field nuclei"])
    assert (volume.spacing, volume.unit) == ((0.3, 0.3), "um")


@pytest.fixture
def two_channels(make_napari_viewer, _warm):
    """A viewer with an image of two channels in one layer, and labels of its plane."""
    image, labels = nuclei((96, 100))[:2]
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.stack([image, 2 * image]), name="both")
    viewer.add_labels(np.asarray(labels).astype(np.uint16), name="nuclei")
    return viewer


def test_an_image_with_channels_lies_on_the_grid_of_its_labels(two_channels, until) -> None:
    image, labels = two_channels.layers
    assert images_on_grid(two_channels, labels) == [image]
    dock = two_channels.window.add_plugin_dock_widget("napari-tally", "Measure")[1]
    assert dock.form.images.ticked == [image]
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    means = labels.features.filter(like="intensity_mean").iloc[1:]
    assert means.shape[1] == 2 and len(means) > 3
    np.testing.assert_allclose(means.iloc[:, 1], 2 * means.iloc[:, 0], rtol=1e-5)


def test_cells_have_the_typed_voxel_size_of_the_nuclei(two_channels, until) -> None:
    dock = two_channels.window.add_plugin_dock_widget("napari-tally", "Measure")[1]
    for typed in ("0.5um", "0.25um"):  # the layer is made, then changed
        dock.form.spacing.value = typed
        dock.form.grow.value = "1um"
        dock.panel.run.click()
        until(lambda: not dock.runner.busy)
        cells = label_volume(two_channels.layers["nuclei (cells)"])
        assert (cells.spacing, cells.unit) == ((float(typed[:-2]),) * 2, "um")


def test_a_stack_is_no_image_with_channels(two_channels) -> None:
    image, labels = two_channels.layers
    image.axis_labels = ("z", "y", "x")
    assert images_on_grid(two_channels, labels) == []


def test_all_channels_are_trained_on(two_channels, until, tmp_path) -> None:
    dock = two_channels.window.add_plugin_dock_widget("napari-tally", "Train")[1]
    dock.form.output.value = str(tmp_path / "model")
    dock.form.add.click()
    dock.plan.click()
    until(lambda: not dock.runner.busy)
    assert "2 in" in dock.log.toPlainText()
    two_channels.layers["both"].axis_labels = ("z", "y", "x")
    dock.plan.click()
    until(lambda: not dock.runner.busy)
    assert "axes" in dock.panel.status.text() or "shape" in dock.panel.status.text()
