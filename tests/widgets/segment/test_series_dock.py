"""A time series stays one from the file through Segment, Measure and Link over time."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from fields import nuclei

import napari_tally


@pytest.fixture
def series(make_napari_viewer, _warm, tmp_path):
    """A viewer with an ImageJ series of 3 frames, opened by napari's own reader."""
    frames = np.stack([np.roll(nuclei((100, 120))[0], 2 * t, axis=1) for t in range(3)])
    tifffile.imwrite(
        tmp_path / "series.tif", frames.astype(np.uint16), imagej=True, resolution=(2, 2),
        metadata={"axes": "TYX", "unit": "um"},
    )  # fmt: skip
    viewer = make_napari_viewer(show=True)
    viewer.open(tmp_path / "series.tif", plugin="napari")
    return viewer


def test_a_series_is_measured_frame_by_frame_and_linked(series, finish, until, tmp_path) -> None:
    segment = series.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    finish(segment)
    count = segment.done.result.count
    assert series.layers["series nuclei"].axis_labels == ("t", "y", "x")
    dock = series.window.add_plugin_dock_widget("napari-tally", "Measure")[1]
    assert dock.form.axes.value == "TYX" and not dock.link_frames.isHidden()
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    table = dock.objects.table
    assert len(table) == count and set(table["t"]) == {0, 1, 2}
    assert "area_um2" in table and "volume_um3" not in table
    dock.link_frames.click()
    until(lambda: dock.layer is not None and "linked" in dock.layer.name)
    linked, tracks = series.layers["series nuclei (linked)"], series.layers["series nuclei tracks"]
    assert linked.axis_labels == ("t", "y", "x") and dock.form.axes.value == "TYX"
    assert len(dock.objects.table) == count and "area_um2" in dock.objects.table
    inside = tracks.extent.world[1] <= linked.extent.world[1]
    assert inside.all() and tracks.extent.world[1][2] > linked.extent.world[1][2] / 2
    linked.fill((0, *np.argwhere(linked.data[0] == 1)[0]), 0)
    until(lambda: tracks.name.endswith("(out of date)"))
    linked.undo()
    until(lambda: tracks.name == "series nuclei tracks")
    for name in ("linked.nii.gz", "linked.tif"):
        linked.save(str(tmp_path / name), plugin="napari-tally")
        assert napari_tally.read(tmp_path / name).axes == "TYX"
    (opened,) = series.open(tmp_path / "linked.nii.gz", plugin="napari-tally")
    assert dock.form.label_layer.value is opened or dock.form.label_layer.value == opened
    assert dock.form.axes.value == "TYX"


def test_written_axes_hold_for_all_that_is_made(series, until) -> None:
    """Labels of a stack without axis labels are a guess, and said to be one."""
    series.layers.clear()
    labels = np.zeros((3, 40, 50), np.uint16)
    labels[:, 5:15, 5:15] = 1
    layer = series.add_labels(labels, name="film")
    dock = series.window.add_plugin_dock_widget("napari-tally", "Measure")[1]
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "ZYX is assumed" in dock.panel.status.text()
    assert "volume_px3" in dock.objects.table
    dock.form.axes.value = "TYX"
    dock.form.axes.native.editingFinished.emit()
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "assumed" not in dock.panel.status.text()
    assert len(dock.objects.table) == 3 and "area_px2" in dock.objects.table
    assert layer.axis_labels == ("t", "y", "x")
    dock.link_frames.click()
    until(lambda: dock.layer is not None and "linked" in dock.layer.name)
    assert len(dock.objects.table) == 3


def test_labels_that_do_not_follow_the_sliders_of_their_image_are_noted(series, finish) -> None:
    dock = series.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    series.layers.clear()
    for axes, shape in (("TCYX", (3, 2, 40, 50)), ("CTYX", (2, 3, 40, 50))):
        series.add_image(np.ones(shape, np.uint8), name=axes, axis_labels=tuple(axes.lower()))
        finish(dock)
        noted = "do not follow its sliders" in dock.panel.status.text()
        assert noted == (axes == "TCYX")
