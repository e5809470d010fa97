"""Binary masks in the docks: one object or its connected components, as the user chooses."""

from __future__ import annotations

import numpy as np
import pytest

MASK = np.zeros((40, 50), np.uint8)
MASK[2:6, 2:8] = MASK[10:20, 30:40] = MASK[30:33, 5:9] = 1


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def dock(viewer):
    return viewer.window.add_plugin_dock_widget("napari-tally", "Measure")[1]


def test_a_mask_is_one_object_until_it_is_split(viewer, dock, until) -> None:
    mask = viewer.add_labels(MASK * 255, name="lesions", scale=(2, 2), units="mm")
    assert dock.split.isHidden()
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "one object or 3 connected components?" in dock.panel.status.text()
    assert not dock.split.isHidden()
    dock.split.click()
    until(lambda: dock.layer is not None and "components" in dock.layer.name)
    assert dock.objects.table["area_mm2"].tolist() == [96, 400, 48]
    assert "connected components?" not in dock.panel.status.text() and dock.split.isHidden()
    assert mask.data.max() == 255 and not mask.visible


def test_a_mask_that_was_opened_as_an_image_can_be_counted(viewer, dock, until) -> None:
    viewer.add_image(np.random.default_rng(0).normal(size=(40, 50)), name="FLAIR")
    assert dock.use_mask.isHidden()
    viewer.add_image(MASK.astype(np.float32), name="lesions")
    assert "lesions is a binary mask" in dock.panel.status.text()
    dock.use_mask.click()
    until(lambda: dock.measured is not None)
    assert "one object or 3 connected components?" in dock.panel.status.text()
    assert dock.form.label_layer.value.name == "lesions (labels)"
    segment = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    segment.form.image.value = viewer.layers["lesions"]
    assert "lesions is a binary mask" in segment.panel.status.text()


def test_labels_elsewhere_are_not_measured_against_each_other(viewer, dock, until) -> None:
    labels = viewer.add_labels(MASK, name="lesions", scale=(2, 2), units="mm")
    parents = viewer.add_labels(MASK, name="lobes", scale=(2, 2), translate=(0, 9), units="mm")
    viewer.add_image(MASK + 0.5, name="FLAIR", scale=(2, 2), translate=(5, 0), units="mm")
    dock.form.label_layer.value = labels
    dock.form.parents.value = parents
    dock.run()
    assert "differ in position by up to 9 mm" in dock.panel.status.text()
    dock.form.parents.value = None
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "FLAIR and lesions differ in position by up to 5 mm" in dock.panel.status.text()
    assert "intensity_mean" not in dock.objects.table
