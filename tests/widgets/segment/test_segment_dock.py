"""The Segment dock as its users meet it: in a real viewer, through the manifest."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from fields import nuclei
from napari.utils.notifications import notification_manager

import napari_tally
from napari_tally.core.progress import Step
from napari_tally.widgets.controls.settings import remembered
from napari_tally.widgets.segment.export_panel import command_of, python_of


def test_run_gives_labels_that_lie_on_the_image(viewer, dock, finish) -> None:
    finish(dock)
    image, layer = viewer.layers["field"], viewer.layers["field nuclei"]
    assert np.array_equal(layer.scale, image.scale)
    assert np.array_equal(layer.translate, image.translate)
    assert layer.units == image.units and layer.axis_labels == image.axis_labels
    truth = nuclei((160, 200))[1]
    assert layer.data.max() == truth.max()
    assert "nuclei, median area" in dock.panel.status.text() and "µm²" in dock.panel.status.text()


def test_row_i_of_the_features_is_label_i(viewer, dock, finish) -> None:
    finish(dock)
    layer = viewer.layers["field nuclei"]
    assert np.isnan(layer.features["label"][0])
    assert layer.features["label"][1:].tolist() == list(range(1, layer.data.max() + 1))
    areas = np.bincount(layer.data.ravel())[1:] * 0.25
    assert np.allclose(layer.features["area_um2"][1:], areas)


def test_a_second_run_updates_the_layer_of_the_first(viewer, dock, finish) -> None:
    finish(dock)
    dock.form.object_size.value = "24px"
    finish(dock)
    assert [x.name for x in viewer.layers] == ["field", "field nuclei"]


def test_another_image_gets_a_layer_of_its_own(viewer, dock, finish) -> None:
    finish(dock)
    before = viewer.layers["field nuclei"].data.copy()
    viewer.add_image(nuclei((160, 200), seed=5)[0], name="other", translate=(10, 20))
    finish(dock)
    assert [x.name for x in viewer.layers][2:] == ["other", "other nuclei"]
    assert np.array_equal(viewer.layers["field nuclei"].data, before)


def test_a_slider_moved_during_a_run_counts_after_it(dock, finish, until) -> None:
    finish(dock)
    dock.panel.run.click()
    dock.tune.sliders["threshold"].value = 0.3
    until(lambda: dock.done.job.options.threshold == 0.3)
    assert not dock.panel.cancel.isEnabled()


def test_an_edited_layer_is_never_overwritten(viewer, dock, finish) -> None:
    finish(dock)
    layer = viewer.layers["field nuclei"]
    layer.selected_label = 99
    layer.paint((30, 30), 99)
    painted = layer.data.copy()
    finish(dock)
    assert np.array_equal(layer.data, painted)
    assert [x.name for x in viewer.layers][1:] == ["field nuclei", "field nuclei [1]"]


def test_sliders_decode_again_as_a_new_run_would(viewer, dock, finish, until) -> None:
    finish(dock)
    before = dock.done
    dock.tune.sliders["threshold"].value = 0.3
    until(lambda: dock.done is not before)
    fresh = napari_tally.segment(nuclei((160, 200))[0], spacing="0.5um", threshold=0.3)
    layer = viewer.layers["field nuclei"]
    assert np.array_equal(layer.data, fresh.labels)
    assert np.allclose(layer.features["area_um2"][1:], fresh.table["area_um2"])
    assert not np.array_equal(before.result.labels, fresh.labels)


def test_what_is_visible_is_decoded_at_once(dock, finish) -> None:
    finish(dock)
    dock.tune.sliders["threshold"].value = 0.2
    before = np.array(dock.result.layer.data)
    dock.separate()
    assert (np.array(dock.result.layer.data) != before).any()
    assert dock.result.is_ours


def test_the_smallest_size_is_applied(dock, finish, until) -> None:
    finish(dock)
    before = dock.done
    dock.tune.min_size.value = "5000um2"
    dock.tune.min_size.native.editingFinished.emit()
    until(lambda: dock.done is not before)
    assert dock.done.result.count == 0
    assert "smaller than the minimum size" in dock.panel.status.text()


@pytest.fixture
def gone(dock, monkeypatch, until):
    """Start a run without end; the event is set when its generator has been closed."""
    closed = threading.Event()

    def endless(_job):
        try:
            while True:
                time.sleep(0.005)
                yield Step("run the network", 1, 3)
        finally:
            closed.set()

    monkeypatch.setattr("napari_tally.widgets.segment.dock.segment_job", endless)
    dock.panel.run.click()
    until(lambda: dock.panel.bar.value() == 33)
    yield closed
    dock.runner.cancel()


def test_cancel_stops_and_changes_nothing(viewer, dock, gone, until) -> None:
    assert not dock.panel.run.isEnabled() and dock.panel.cancel.isEnabled()
    dock.panel.cancel.click()
    assert dock.panel.status.text() == "Cancelled."
    assert dock.panel.run.isEnabled() and not dock.panel.cancel.isEnabled()
    until(gone.is_set, 10)
    assert [x.name for x in viewer.layers] == ["field"]


def test_an_image_deleted_while_it_runs_does_no_harm(viewer, dock, until) -> None:
    dock.panel.run.click()
    viewer.layers.remove("field")
    until(lambda: not dock.runner.busy)
    assert [x.name for x in viewer.layers] == ["field nuclei"]


def test_a_closed_dock_leaves_nothing_running(viewer, dock, gone, until) -> None:
    viewer.window.remove_dock_widget(dock)
    until(gone.is_set, 10)
    viewer.add_image(np.zeros((5, 5)))  # what listened to the viewer does so no more


def test_a_closed_window_leaves_nothing_running(viewer, gone, until) -> None:
    viewer.close()
    until(gone.is_set, 10)


def test_the_python_that_is_copied_makes_the_same_labels(viewer, dock, finish, capsys) -> None:
    dock.form.object_size.value = "11um"
    dock.tune.sliders["tolerance"].value = 0.5
    finish(dock)
    names = {"viewer": viewer}
    exec(python_of(dock.done), names)
    assert np.array_equal(names["result"].labels, viewer.layers["field nuclei"].data)
    assert "nuclei" in capsys.readouterr().out


def test_the_command_that_is_copied_makes_the_same_labels(
    viewer, dock, finish, tmp_path, monkeypatch
) -> None:
    from shlex import split

    from typer.testing import CliRunner

    from napari_tally.cli.app import app

    path = tmp_path / "my field.tif"
    napari_tally.write(napari_tally.Volume(nuclei((160, 200))[0], "YX", (0.5, 0.5), "um"), path)
    viewer.layers.clear()
    viewer.open(path)
    dock.form.spacing.value = "0.25um"
    dock.form.object_size.value = "6um"
    dock.tune.sliders["threshold"].value = 0.4
    finish(dock)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, split(command_of(dock.done))[1:]).exit_code == 0
    labels = napari_tally.read(tmp_path / "tally-results" / "my field_labels.tif")
    assert np.array_equal(labels.array, viewer.layers[-1].data)


def test_a_stack_is_linked_where_it_is_shallow_and_says_so(viewer, dock, finish) -> None:
    image = nuclei((100, 120))[0]
    stack = np.stack([image] * 3)
    viewer.add_image(stack, name="stack", scale=(2, 0.5, 0.5), units=("um",) * 3)
    assert dock.form.image.value.name == "stack"
    assert dock.form.axes.value == "ZYX"
    assert dock.form.stack.native.isVisibleTo(dock)
    finish(dock)
    layer = viewer.layers["stack nuclei"]
    assert layer.data.shape == stack.shape
    assert "are linked" in dock.panel.status.text()
    assert layer.data.max() == nuclei((100, 120))[1].max()


def test_a_stack_goes_slice_by_slice_where_that_is_chosen(viewer, dock, finish, until) -> None:
    stack = np.stack([nuclei((100, 120), seed=s)[0] for s in range(3)])
    viewer.add_image(stack, name="stack", scale=(2, 0.5, 0.5), units=("um",) * 3)
    dock.form.stack.value = "slices"
    finish(dock)
    layer = viewer.layers["stack nuclei"]
    assert "segmented separately" in dock.panel.status.text()
    ids = [set(np.unique(plane)) - {0} for plane in layer.data]
    assert not (ids[0] & ids[1]) and not (ids[1] & ids[2])
    dock.tune.sliders["threshold"].value = 0.5
    before = dock.done
    until(lambda: dock.done is not before)
    direct = napari_tally.segment(
        stack, threshold=0.5, stack="slices", axes="ZYX", spacing=(2, 0.5, 0.5)
    )
    assert np.array_equal(layer.data, direct.labels)


def test_the_current_slice_is_aligned_with_the_image(viewer, dock, finish) -> None:
    stack = np.stack([nuclei((100, 120), seed=s)[0] for s in range(3)])
    viewer.add_image(stack, name="stack", scale=(2, 0.5, 0.5), units=("um",) * 3)
    viewer.dims.set_point(0, 4)
    dock.form.region.value = "current slice"
    finish(dock)
    layer = viewer.layers["stack nuclei"]
    assert layer.data.shape == (1, 100, 120)
    assert np.allclose(layer.translate, (4, 0, 0))
    assert set(layer.features["z"][1:]) == {2}


def test_the_visible_part_is_aligned_with_the_image(viewer, dock, finish) -> None:
    finish(dock)
    whole = viewer.layers["field nuclei"]
    viewer.camera.zoom *= 2
    viewer.window._qt_viewer.canvas.on_draw(None)
    dock.form.region.value = "visible part"
    dock.form.object_size.value = "24px"
    finish(dock)
    part = dock.result.layer
    assert part.data.size < whole.data.size
    start = np.rint((part.translate - whole.translate) / whole.scale).astype(int)
    place = tuple(slice(s, s + n) for s, n in zip(start, part.data.shape, strict=True))
    inside = whole.data[place] > 0
    assert ((part.data > 0) == inside).mean() > 0.97
    rows = part.features["bbox_y_min_px"][1:]
    assert rows.min() >= start[0]


def test_a_turned_image_gets_turned_labels(viewer, dock, finish) -> None:
    image = nuclei((100, 120))[0]
    viewer.add_image(image, name="turned", rotate=30, scale=(2, 2), translate=(5, 7))
    finish(dock)
    layer = viewer.layers["turned nuclei"]
    point = (40, 50)
    there = viewer.layers["turned"].data_to_world(point)
    assert np.allclose(layer.world_to_data(there), point)


def test_channels_are_offered_by_name_only_where_there_are_some(viewer, dock, finish) -> None:
    assert not dock.form.channel.native.isVisibleTo(dock)
    image = nuclei((100, 120))[0]
    viewer.add_image(np.stack([np.zeros_like(image), image]), name="two", axis_labels="cyx")
    assert len(dock.form.channel) == 2
    dock.form.channel.value = dock.form.channel.choices[1]
    finish(dock)
    assert viewer.layers["two nuclei"].data.shape == image.shape
    assert viewer.layers["two nuclei"].data.max() > 5


def test_lazy_and_multiscale_images_are_taken(viewer, dock, finish) -> None:
    import dask.array as da

    image = nuclei((160, 200))[0]
    viewer.add_image([da.from_array(image), da.from_array(image[::2, ::2])], name="pyramid")
    finish(dock)
    assert viewer.layers["pyramid nuclei"].data.max() == nuclei((160, 200))[1].max()


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((50, 60), np.uint8), "Nothing found"),
        (np.full((50, 60), np.nan), "Nothing found"),
        (np.zeros((50, 60), bool), "is a mask"),
        (np.zeros((5, 50, 60, 3), np.uint8), "Nothing found"),
        (np.zeros((2, 2, 2, 2, 50, 60), np.uint8), "has more axes than"),
    ],
)
def test_odd_images_end_in_a_sentence(viewer, dock, finish, array, says) -> None:
    viewer.add_image(array, name="odd", rgb=array.shape[-1] == 3)
    finish(dock)
    assert says in dock.panel.status.text()
    assert dock.panel.run.isEnabled()


def test_a_colour_image_asks_for_its_channel_and_labels_have_none(viewer, dock, finish) -> None:
    image = nuclei((100, 120))[0]
    colour = np.stack([np.zeros_like(image), image, image // 2], -1).astype(np.uint8)
    viewer.add_image(colour, name="colour", rgb=True)
    assert list(dock.form.channel.choices) == [None, "red", "green", "blue"]  # luminance first
    dock.form.channel.value = "green"
    finish(dock)
    assert viewer.layers["colour nuclei"].data.shape == (100, 120)
    assert viewer.layers["colour nuclei"].data.max() > 5


def test_nan_is_background_and_is_reported(viewer, dock, finish) -> None:
    image = nuclei((100, 120))[0].astype(float)
    image[:20] = np.nan
    viewer.add_image(image, name="holes")
    finish(dock)
    assert "2,400 voxels of holes are NaN" in dock.panel.status.text()
    assert not viewer.layers["holes nuclei"].data[:15].any()


def test_a_huge_voxel_size_does_no_harm(viewer, dock, finish) -> None:
    dock.form.spacing.value = "1e6,1e6um"
    finish(dock)
    assert dock.done.result.count > 0
    assert dock.done.result.table["area_um2"].min() > 1e12


@pytest.mark.parametrize(
    ("error", "says"),
    [(MemoryError(), "not enough memory"), (OSError(28, "No space left on device"), "No space")],
)
def test_a_run_that_fails_leaves_what_was_there(
    viewer, dock, finish, monkeypatch, error, says
) -> None:
    finish(dock)
    before = viewer.layers["field nuclei"].data.copy()

    def failing(_job):
        yield Step("run the network", 0, 1)
        raise error

    monkeypatch.setattr("napari_tally.widgets.segment.dock.segment_job", failing)
    finish(dock)
    assert says in dock.panel.status.text()
    assert dock.panel.run.isEnabled() and not dock.panel.cancel.isEnabled()
    assert np.array_equal(viewer.layers["field nuclei"].data, before)


def test_a_missing_gpu_is_reported(dock, finish) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    dock.form.device.value = "cuda"
    finish(dock)
    assert "device" in dock.panel.status.text() and "cpu" in dock.panel.status.text()
    dock.form.device.value = "auto"


def test_a_layer_renamed_and_painted_on_during_a_run_is_kept(viewer, dock, finish, until) -> None:
    finish(dock)
    layer = viewer.layers["field nuclei"]
    dock.panel.run.click()
    layer.name = "mine"
    layer.data[0, :] = 500
    painted = layer.data.copy()
    until(lambda: not dock.runner.busy)
    assert np.array_equal(layer.data, painted)
    assert [x.name for x in viewer.layers] == ["field", "mine", "field nuclei"]


def test_running_again_at_once_gives_one_result(viewer, dock, until) -> None:
    dock.run()
    dock.run()
    until(lambda: not dock.runner.busy)
    assert [x.name for x in viewer.layers] == ["field", "field nuclei"]


def test_two_viewers_run_at_the_same_time(viewer, dock, make_napari_viewer, until) -> None:
    other = make_napari_viewer(show=True)
    other.add_image(nuclei((120, 120), seed=4)[0], name="second")
    second = other.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    dock.run()
    second.run()
    until(lambda: not dock.runner.busy and not second.runner.busy)
    assert [x.name for x in viewer.layers] == ["field", "field nuclei"]
    assert [x.name for x in other.layers] == ["second", "second nuclei"]
    assert other.layers["second nuclei"].data.max() == nuclei((120, 120), seed=4)[1].max()


def test_another_model_chosen_during_a_run_does_not_tune_its_result(dock, until, tmp_path) -> None:
    from shutil import copytree

    from napari_tally.models.bundle import model_folder
    from napari_tally.widgets.controls.settings import remembered

    copytree(model_folder("nuclei-2d"), tmp_path / "mine")
    remembered().model_folder = str(tmp_path)  # the list follows at once
    try:
        assert str(tmp_path / "mine") in dock.form.model.choices
        dock.run()
        dock.form.model.value = str(tmp_path / "mine")
        until(lambda: not dock.runner.busy)
        assert dock.result.layer is not None and not dock.tune.isVisible()
        dock.tune.sliders["threshold"].value = 0.9
        dock.separate()
        assert not dock.runner.busy
    finally:
        remembered().model_folder = ""


def test_a_remembered_model_that_is_gone_gives_way_to_the_default(viewer) -> None:
    from napari_tally.widgets.controls.settings import remembered

    remembered().model = "gone"
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    assert dock.model == "nuclei-2d"


def test_an_image_for_a_model_of_stacks_is_refused_in_a_sentence(dock, finish) -> None:
    dock.form.model.value = "hippocampus-mr"
    assert dock.form.forecast.text() == ""
    finish(dock)
    assert "hippocampus-mr takes stacks (axes ZYX)" in dock.panel.status.text()
    dock.form.model.value = "nuclei-2d"


def test_closed_docks_leave_no_widget_and_no_thread(viewer, until) -> None:
    import gc
    import weakref

    threads, docks = threading.active_count(), []
    for _ in range(3):
        dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
        dock.run()
        until(lambda dock=dock: not dock.runner.busy)
        viewer.window.remove_dock_widget(dock)
        docks.append(weakref.ref(dock))
        del dock
    gc.collect()
    until(lambda: gc.collect() >= 0 and not any(ref() for ref in docks), 10)
    until(lambda: threading.active_count() <= threads + 1, 40)  # Qt's pool keeps one for a while


def test_the_memory_of_cached_maps_is_shown(dock, finish) -> None:
    finish(dock)
    assert "MiB of 1 GiB in memory" in dock.panel.status.text()


def test_an_invalid_form_is_refused(viewer, dock) -> None:
    dock.form.object_size.value = "large"
    dock.run()
    assert "number with a unit" in dock.panel.status.text()
    assert not dock.runner.busy


def test_without_an_image_the_dock_asks_for_one(viewer, dock) -> None:
    viewer.layers.clear()
    assert "Open an image" in dock.panel.status.text()
    assert not dock.panel.run.isEnabled()


def test_a_row_of_the_table_finds_its_object(viewer, dock, finish, qtbot) -> None:
    finish(dock)
    dock.take_away.show_table()
    layer = viewer.layers["field nuclei"]
    viewer.scene.camera.zoom *= 8
    qtbot.wait(100)  # for the canvas to be drawn
    for label in (2, int(layer.data.max())):
        layer.selected_label = label
        corners = viewer.layers["selected object"].data[0]
        own = np.argwhere(layer.data == label)
        assert (corners.min(0) < own.min(0)).all() and (own.max(0) < corners.max(0)).all()
        assert (corners.max(0) - corners.min(0) < np.ptp(own, axis=0) + 8).all()
        middle = np.asarray(layer.data_to_world(own.mean(0)))
        assert np.allclose(viewer.scene.camera.center[-2:], middle, atol=2)
        assert viewer.layers.selection.active == layer
    viewer.window.remove_dock_widget(dock)
    assert "selected object" not in viewer.layers


def test_a_row_of_a_series_goes_to_its_frame(viewer, dock, finish) -> None:
    image = nuclei((90, 100))[0]
    viewer.add_image(np.stack([image, image * 0, image]), name="stack", axis_labels="tyx")
    finish(dock)
    dock.take_away.show_table()
    viewer.dims.set_point(0, 0)
    layer = viewer.layers["stack nuclei"]
    layer.selected_label = int(layer.data.max())
    assert viewer.dims.point[0] == 2


def test_the_table_leaves_the_dock_its_place(viewer, dock, finish) -> None:
    finish(dock)
    before = dock.height()
    for _ in range(2):
        dock.take_away.show_table()
    assert dock.height() >= before - 40  # for the tabs
    assert len(viewer.window.dock_widgets) == 2


def test_maps_become_layers_on_the_image(viewer, dock, finish) -> None:
    finish(dock)
    dock.take_away.show_maps()
    names = [x.name for x in viewer.layers][2:]
    assert names[:3] == ["field background", "field inside", "field border"]
    for name in names:
        extent = viewer.layers[name].extent.world
        assert np.allclose(extent, viewer.layers["field"].extent.world, atol=0.5)


def test_a_constant_image_has_no_maps_to_show(viewer, dock, finish) -> None:
    viewer.add_image(np.zeros((50, 60), np.uint8), name="flat")
    finish(dock)
    before = len(viewer.layers)
    dock.take_away.show_maps()
    assert len(viewer.layers) == before


def test_the_table_is_written(dock, finish, tmp_path) -> None:
    import pandas as pd

    finish(dock)
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t.csv")) == dock.done.result.count


def test_an_estimated_size_does_not_outlive_its_image(viewer, dock, finish) -> None:
    size = dock.form.object_size.native
    before = size.placeholderText()
    finish(dock)
    assert size.placeholderText().startswith("≈")
    viewer.add_image(np.zeros((64, 64), np.uint8), name="other")
    dock.form.image.value = viewer.layers["other"]
    assert size.placeholderText() == before
    dock.form.image.value = viewer.layers["field"]
    finish(dock)
    dock.form.model.value = "hippocampus-mr"
    assert size.placeholderText() == before


def test_the_object_size_is_drawn_and_removed(viewer, dock) -> None:
    dock.form.object_size.value = "12um"
    dock.form.circle.setChecked(True)
    data = viewer.layers["object size"].data[0]
    assert np.allclose(np.ptp(data, axis=0)[-2:], 24)
    dock.form.circle.setChecked(False)
    assert "object size" not in viewer.layers


def test_nothing_is_cut_off_at_the_right(viewer, dock, finish) -> None:
    finish(dock)
    right = dock.mapToGlobal(dock.rect().topRight()).x()
    sliders = [slider.native for slider in dock.tune.sliders.values()]
    for part in (*sliders, dock.form.circle, dock.panel.cancel):
        assert part.isVisible()
        assert part.mapToGlobal(part.rect().topRight()).x() <= right


def test_long_sentences_are_never_cut_off(viewer, dock, finish, until) -> None:
    finish(dock)
    for count in (9, 1, 30):
        dock.panel.say("A sentence that needs more than a line. " * count)
        words = dock.panel.status
        until(lambda words=words: words.height() >= words.heightForWidth(words.width()) > 0, 5)
        assert words.height() < words.heightForWidth(words.width()) + 40


def test_opening_the_dock_loads_neither_torch_nor_monai() -> None:
    code = (
        "import sys, napari.qt, napari.layers, napari_tally.widgets.segment.dock\n"
        "heavy = 'torch', 'monai', 'skimage.segmentation', 'scipy.optimize'\n"
        "print([n for n in heavy if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_field_that_the_options_gain_is_in_the_dock_and_in_the_job(viewer, monkeypatch) -> None:
    from pydantic import Field

    from napari_tally.segmentation.setup.options import SegmentOptions
    from napari_tally.widgets.segment import form as segment_form

    class More(SegmentOptions):
        smooth: float = Field(1.0, ge=0, le=5, description="Width of the smoothing.")

    monkeypatch.setattr(segment_form, "SegmentOptions", More)
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    row = dock.form.editors["smooth"]
    assert row.native.isVisibleTo(dock) and row.label == "Smooth"
    row.value = 2.5
    assert dock.job().options == More(smooth=2.5, keep_maps=True)


def test_a_plain_object_size_is_in_the_unit_of_the_image(viewer, dock) -> None:
    dock.form.object_size.value = "12"
    assert dock.job().options.object_size == "12um"


def test_what_was_wrong_with_a_field_is_taken_back_once_it_is_right(viewer, dock) -> None:
    dock.form.object_size.value = "large"
    dock.run()
    assert "Object size" in dock.panel.status.text()
    dock.form.object_size.value = "12"
    assert dock.panel.status.text() == ""


def test_a_long_name_of_a_layer_does_not_widen_the_dock(viewer, dock, until) -> None:
    width = dock.minimumSizeHint().width()
    viewer.layers["field"].name = "plate_" + "0123456789" * 6
    dock.panel.say(f"{viewer.layers[0].name} has no calibration")
    until(lambda: dock.form.image.current_choice.startswith("plate_"), 5)
    assert dock.minimumSizeHint().width() == width <= 320


def test_a_folder_of_models_of_an_unknown_user_is_refused_in_a_sentence(viewer, dock) -> None:
    remembered().model_folder = "~nosuchuser/models"
    try:
        assert "no user of the name" in notification_manager.records[-1].message
        viewer.window.add_plugin_dock_widget("napari-tally", "Train")
    finally:
        remembered().model_folder = ""
