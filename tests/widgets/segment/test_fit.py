"""The sliders are fitted to labels that are right, and the model is kept with its new numbers."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei

from napari_tally.models.bundle import load_model


@pytest.fixture
def dock(make_napari_viewer, finish):
    viewer = make_napari_viewer(show=True)
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    image, ground_truth = nuclei((160, 160), 20)
    viewer.add_image(image, name="cells", scale=(0.5, 0.5), units="um")
    dock.form.model.value = "nuclei-2d"
    dock.form.object_size.value = "20px"
    dock.ground_truth = ground_truth
    finish(dock)
    return dock


def fitted(dock, until) -> None:
    dock.fit.button.click()
    until(lambda: bool(dock.fit.words) and not dock.runner.busy)


def test_sliders_go_where_the_labels_are_given_best(dock, until, tmp_path) -> None:
    viewer = dock.viewer
    larger = np.where(dock.done.result.maps[0][0] < 0.6, dock.done.result.labels, 0)
    layer = viewer.add_labels(larger.astype(np.uint16), name="right", scale=(0.5, 0.5), units="um")
    assert not dock.fit.keep.isEnabled()
    dock.fit.ground_truth.value = layer
    fitted(dock, until)
    tuning = dock.fit.tuning
    assert tuning.after >= tuning.before
    for name, (_, value) in tuning.changed.items():
        if name in dock.tune.sliders:
            assert dock.tune.sliders[name].value == pytest.approx(value, abs=0.006)
    assert "on the same images" in dock.panel.status.text()
    assert np.array_equal(viewer.layers["right"].data, larger)
    if tuning.changed:
        dock.fit.write(tmp_path / "mine")
        assert load_model(tmp_path / "mine").info.head == tuning.info.head


def test_labels_of_another_image_are_refused_in_a_sentence(dock) -> None:
    layer = dock.viewer.add_labels(np.ones((20, 30), np.uint16), name="other")
    dock.fit.ground_truth.value = layer
    dock.fit.button.click()
    assert "has shape (20, 30) but the image (160, 160)" in dock.panel.status.text()
    assert not dock.panel.busy


def test_a_visible_part_is_fitted_to_the_same_part_of_the_labels(dock, finish, until) -> None:
    viewer = dock.viewer
    layer = viewer.add_labels(
        dock.ground_truth.astype(np.uint16), name="right", scale=(0.5, 0.5), units="um"
    )
    viewer.scene.camera.zoom *= 2.5
    dock.form.region.value = "visible part"
    finish(dock)
    assert dock.done.result.labels.shape != dock.ground_truth.shape
    dock.fit.ground_truth.value = layer
    fitted(dock, until)
    assert dock.fit.tuning.before > 0.2


def test_a_model_of_classes_has_nothing_to_fit(dock) -> None:
    dock.fit.show_for(None)
    assert not dock.fit.isVisibleTo(dock)
