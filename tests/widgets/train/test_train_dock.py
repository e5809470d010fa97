"""The Train dock in a real viewer, opened through the manifest."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei
from napari.utils.notifications import notification_manager

from napari_tally.models.bundle import load_model
from napari_tally.widgets.train.dock import _next_to


@pytest.fixture
def viewer(make_napari_viewer):
    """A viewer with two small images of nuclei and their labels."""
    viewer = make_napari_viewer(show=True)
    for i in range(2):
        image, labels = nuclei((96, 96), seed=i)[:2]
        viewer.add_image(image, name=f"image {i}")
        viewer.add_labels(np.asarray(labels).astype(np.uint16), name=f"labels {i}")
    return viewer


@pytest.fixture
def dock(viewer, tmp_path):
    """The dock with both pairs, the second one for the validation, and a few steps to make."""
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Train")[1]
    form = dock.form
    for i in range(2):
        form.image.value = viewer.layers[f"image {i}"]
        form.label_layer.value = viewer.layers[f"labels {i}"]
        form.add.click()
    tick = form.pairs.item(1, 2)
    tick.setCheckState(tick.checkState().Checked)
    form.output.value = str(tmp_path / "my-model")
    form.start.value = "nuclei-2d"
    form["steps"].value = "3"
    return dock


def last_message() -> str:
    return str(notification_manager.records[-1].message)


def test_the_plan_is_shown_before_training(dock, until, tmp_path) -> None:
    dock.plan.click()
    until(lambda: not dock.runner.busy)
    text = dock.log.toPlainText()
    assert "fine-tuned from nuclei-2d" in text
    assert "1 for training, 1 for validation" in text
    assert not list(tmp_path.iterdir())


def test_the_kind_of_labels_can_be_chosen(dock, until) -> None:
    form = dock.form
    form.start.value = None
    form["kind"].value = "classes"
    dock.plan.click()
    until(lambda: not dock.runner.busy)
    assert "Target: classes in 2D with the head semantic" in dock.log.toPlainText()


def test_corrected_labels_are_trained_on(viewer, dock, until) -> None:
    dock.form.start.value = None
    dock.take_corrected()
    assert "No labels were corrected yet" in dock.panel.status.text()
    segment = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    segment.form.image.value = viewer.layers["image 0"]
    segment.panel.run.click()
    until(lambda: not segment.runner.busy)
    found = viewer.layers[-1]
    dock.take_corrected()
    assert dock.form.pairs.rowCount() == 2  # it is as it was found
    found.paint((5, 5), 0)
    found.paint((50, 50), 77)
    dock.take_corrected()
    dock.take_corrected()
    assert [p.labels for p in dock.form.pairs.chosen()][2:] == [found]
    assert dock.form.pairs.chosen()[2].image is viewer.layers["image 0"]
    assert dock.form.start.current_choice == "nuclei-2d"
    job = dock.job()
    assert len(job.pairs) == 3 and 77 in np.asarray(job.pairs[2].labels.array)


def test_a_corrected_preview_is_not_painted_over(viewer, dock, until) -> None:
    dock.panel.run.click()
    until(lambda: not dock.runner.busy and not dock.previewer.busy)
    found = viewer.layers["training preview"]
    found.paint((5, 5), 99)
    dock.take_corrected()
    assert dock.form.pairs.chosen()[2].labels is found
    dock.form["steps"].value = "2"
    dock.panel.run.click()
    until(lambda: not dock.runner.busy and not dock.previewer.busy)
    assert 99 in found.data
    assert "training preview [1]" in viewer.layers


def test_a_model_comes_out_and_segment_uses_it(viewer, dock, until, tmp_path) -> None:
    dock.panel.run.click()
    assert dock.panel.cancel.isEnabled()
    until(lambda: not dock.runner.busy and not dock.previewer.busy)
    assert dock.trained == tmp_path / "my-model"
    model = load_model(dock.trained)
    assert "ap50" in model.info.metrics
    assert len(dock.curves.losses) == 3
    assert dock.curves.scores[-1][0] == 3
    preview = viewer.layers["training preview"]
    assert preview.data.shape == (96, 96)
    assert dock.form.start.current_choice == "my-model"
    assert dock.form.output.value.endswith("my-model-2")
    dock.use.click()
    segment = viewer.window.dock_widgets["Segment (napari-tally)"]
    assert segment.model == str(dock.trained)


def test_stopping_keeps_the_best_weights_so_far(dock, until) -> None:
    dock.form["steps"].value = "500"
    dock.panel.run.click()
    until(lambda: len(dock.curves.losses) >= 2)
    dock.panel.cancel.click()
    until(lambda: dock.panel.run.isEnabled())
    assert dock.trained is not None
    assert load_model(dock.trained).info.head.name == "center"


def test_both_charts_have_the_colours_of_the_theme(viewer, dock) -> None:
    colours = set()
    for theme in ("dark", "light"):
        viewer.theme = theme
        dock.curves.draw()
        upper, lower = dock.curves.figure.axes
        assert upper.get_facecolor() == lower.get_facecolor()
        assert upper.yaxis.label.get_color() == lower.yaxis.label.get_color()
        colours.add(lower.get_facecolor())
    assert len(colours) == 2


def test_a_pause_is_a_pause(dock, until, qtbot) -> None:
    dock.form["steps"].value = "500"
    dock.panel.run.click()
    until(lambda: len(dock.curves.losses) >= 1)
    dock.pause.click()
    assert dock.pause.text() == "Resume"
    before = len(dock.curves.losses)
    qtbot.wait(4000)
    assert len(dock.curves.losses) <= before + 1  # the step under way is still made
    before = len(dock.curves.losses)
    dock.pause.click()
    until(lambda: len(dock.curves.losses) > before)
    dock.panel.cancel.click()
    until(lambda: dock.panel.run.isEnabled())


def test_labels_may_be_complete_in_shapes_only(viewer, dock) -> None:
    shape = np.array([[10, 10], [10, 50], [60, 50], [60, 10]])
    viewer.add_shapes([shape], name="complete")
    dock.form.known.value = viewer.layers["complete"]
    known = dock.job().pairs[0].known
    assert known[30, 30] and not known[80, 80]
    assert 0.8 < known.sum() / (50 * 40) < 1.2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.form.pairs.setRowCount(0), "no training images"),
        (lambda d: setattr(d.form.output, "value", ""), "new folder"),
        (lambda d: setattr(d.form["steps"], "value", "many"), "whole number"),
        (lambda d: d.viewer.layers.remove("labels 0"), "was removed"),
    ],
    ids=["no pairs", "no folder", "no number", "gone"],
)
def test_missing_input_is_refused(dock, change, sentence) -> None:
    change(dock)
    dock.run()
    assert sentence in last_message()
    assert not dock.runner.busy


def test_a_model_that_is_there_is_not_overwritten(dock, until, tmp_path) -> None:
    (tmp_path / "my-model").mkdir()
    (tmp_path / "my-model" / "mine.txt").write_text("mine")
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "my-model" in last_message()
    assert (tmp_path / "my-model" / "mine.txt").read_text() == "mine"


def test_labels_without_objects_are_refused(viewer, dock, until) -> None:
    for i in range(2):
        viewer.layers[f"labels {i}"].data = np.zeros((96, 96), np.uint16)
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "label" in last_message().lower()
    assert dock.panel.run.isEnabled()


def test_the_next_model_has_the_next_number(tmp_path) -> None:
    assert _next_to(tmp_path / "nuclei").name == "nuclei-2"
    assert _next_to(tmp_path / "nuclei-2").name == "nuclei-3"
    assert _next_to(tmp_path / "nuclei-2d").name == "nuclei-2d-2"


def test_shapes_count_where_they_are_drawn_whatever_their_layer(viewer, dock) -> None:
    for i in range(2):
        for name in (f"image {i}", f"labels {i}"):
            viewer.layers[name].scale, viewer.layers[name].translate = (0.5, 0.5), (100, 0)
    shape = np.array([[10, 10], [10, 50], [60, 50], [60, 10]]) / 2 + (100, 0)
    viewer.add_shapes([shape], name="complete")
    dock.form.known.value = viewer.layers["complete"]
    known = dock.job().pairs[0].known
    assert known[30, 30] and not known[80, 80]
    assert 0.8 < known.sum() / (50 * 40) < 1.2


def test_labels_that_lie_elsewhere_than_their_image_are_refused(viewer, dock) -> None:
    viewer.layers["labels 0"].translate = (0, 7)
    dock.run()
    assert "labels 0 and image 0 differ in position by up to 7 px" in last_message()


def test_a_model_folder_of_an_unknown_user_is_refused_in_a_sentence(dock) -> None:
    dock.form.output.value = "~nosuchuser/model"
    dock.panel.run.click()
    assert "no user of the name" in dock.panel.status.text() and not dock.runner.busy
