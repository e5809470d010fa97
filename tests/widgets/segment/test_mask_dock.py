"""Models that return masks or boxes in the Segment dock: layers, sliders, tables, sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fields import nuclei
from mask_models import CLASSES, box_model, panoptic_model, true_model
from raw_outputs import Truth, discs

from napari_tally.heads import Masks
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.normalize import Standard
from napari_tally.widgets.controls.settings import remembered

RGB = Preprocessing(channels=("red", "green", "blue"), normalizer=Standard())


@pytest.fixture
def labels() -> np.ndarray:
    return nuclei((160, 200), diameter=14, seed=3)[1]


@pytest.fixture
def dock_of(make_napari_viewer, tmp_path):
    """Open the dock with an image and a model of the user's folder."""

    def opened(image: np.ndarray, **layer):
        remembered().model_folder = str(tmp_path)
        viewer = make_napari_viewer(show=True)
        dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
        viewer.add_image(image, name="cells", **layer)
        dock.form.model.value = str(tmp_path / "m")
        return dock

    yield opened
    remembered().model_folder = ""


def picture(labels: np.ndarray) -> np.ndarray:
    return np.where(labels > 0, 200, 20).astype(np.uint8)


def test_objects_become_labels_with_score_and_class(dock_of, labels, finish, tmp_path) -> None:
    true_model(tmp_path / "m", "prototypes v8", Truth.of_labels(labels, zoom=4))
    dock = dock_of(picture(labels))
    assert "About" in dock.form.forecast.text()
    assert dock.form.object_size.native.isVisibleTo(dock)
    finish(dock)
    layer = dock.viewer.layers["cells objects"]
    assert layer.data.max() == labels.max()
    assert {"score", "class_name"} <= set(layer.features)
    assert f"{labels.max()} objects" in dock.panel.status.text()
    assert "maps" not in dock.panel.status.text()
    assert dock.tune.isVisibleTo(dock) and dock.fit.isVisibleTo(dock)
    assert not dock.take_away.maps.isVisibleTo(dock)
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t.csv")) == labels.max()


def test_sliders_decide_without_the_network(dock_of, labels, finish, until, tmp_path) -> None:
    true_model(tmp_path / "m", "prototypes v8", Truth.of_labels(labels, zoom=4))
    dock = dock_of(picture(labels))
    assert list(dock.tune.sliders) == ["threshold", "least_visible"]
    assert not dock.form.editors["tta"].native.isVisibleTo(dock)
    finish(dock)
    before = dock.done
    dock.done.model.__dict__["session"] = None  # it cannot run
    dock.tune.sliders["threshold"].value = 0.8
    until(lambda: dock.done is not before)
    assert 0 < dock.viewer.layers["cells objects"].data.max() < labels.max()
    assert dock.done.result.count == (dock.done.result.table["score"] >= 0.8).sum()


def test_sliders_are_fitted_to_labels(dock_of, labels, finish, until, tmp_path) -> None:
    truth = Truth.of_labels(labels, zoom=4)
    true_model(tmp_path / "m", "prototypes v8", truth)
    dock = dock_of(picture(labels))
    finish(dock)
    low = np.flatnonzero(truth.scores < 0.7) + 1
    good = np.where(np.isin(labels, low), 0, labels)
    dock.viewer.add_labels(good, name="truth")
    dock.fit.ground_truth.value = dock.viewer.layers["truth"]
    dock.fit.button.click()
    until(lambda: dock.fit.tuning is not None and not dock.runner.busy)
    assert dock.tune.sliders["threshold"].value == pytest.approx(0.7)
    until(lambda: dock.viewer.layers["cells objects"].data.max() == len(np.unique(good)) - 1)


def test_objects_behind_others_have_a_layer_of_their_own(dock_of, finish, tmp_path) -> None:
    masks = discs((120, 120), [(60, 50), (60, 50 + 0.97 * 20)], 20)
    true_model(tmp_path / "m", "prototypes v8", Truth(masks, zoom=4))
    dock = dock_of(picture(masks.any(axis=0)))
    finish(dock)
    behind = dock.viewer.layers["cells objects behind"]
    assert dock.viewer.layers.selection.active.name == "cells objects"
    assert np.unique(behind.data).tolist() == [0, 2]
    assert (behind.data > 0).sum() == pytest.approx(masks[1].sum(), rel=0.05)
    finish(dock)
    assert len(dock.viewer.layers) == 3


def test_an_edit_measures_again(dock_of, labels, finish, until, tmp_path) -> None:
    true_model(tmp_path / "m", "prototypes v8", Truth.of_labels(labels, zoom=4))
    dock = dock_of(picture(labels))
    finish(dock)
    layer = dock.viewer.layers["cells objects"]
    layer.fill(tuple(np.argwhere(layer.data == 3)[0]), 0)
    until(lambda: len(dock.take_away.done.result.table) == labels.max() - 1)
    table = dock.take_away.done.result.table
    assert (table["visible_area_px2"] == table["area_px2"]).all()


def test_boxes_become_shapes_and_a_table(dock_of, labels, finish, tmp_path) -> None:
    box_model(tmp_path / "m", Truth.of_labels(labels, zoom=4))
    dock = dock_of(picture(labels))
    finish(dock)
    assert [one.name for one in dock.viewer.layers] == ["cells", "cells objects boxes"]
    assert len(dock.viewer.layers["cells objects boxes"].data) == labels.max()
    assert list(dock.tune.sliders) == ["threshold"]
    assert not dock.fit.isVisibleTo(dock) and not dock.contours.isVisibleTo(dock)
    dock.take_away.show_table()
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t.csv")) == labels.max()
    dock.take_away.copy_python()
    finish(dock)
    assert len(dock.viewer.layers) == 2


def test_regions_become_a_layer_of_classes(dock_of, labels, finish, tmp_path) -> None:
    regions = np.ones(labels.shape, int)
    regions[:, 100:] = 2
    panoptic_model(tmp_path / "m", Truth.of_labels(labels, zoom=4), regions)
    dock = dock_of(picture(labels))
    finish(dock)
    classes = dock.viewer.layers["cells imported"]
    assert set(np.unique(classes.data)) == {1, 3, 4}
    assert classes.features["class_name"][1:].tolist() == [*CLASSES, "stroma", "lumen"]


def test_colours_are_offered_as_the_model_takes_them(dock_of, labels, finish, tmp_path) -> None:
    truth = Truth.of_labels(labels, zoom=4)
    true_model(tmp_path / "m", "queries", truth, preprocessing=RGB)
    colour = np.stack([picture(labels)] * 3, -1)
    colour[..., 1] //= 2
    dock = dock_of(colour, rgb=True)
    assert list(dock.form.channel.choices) == [None, "red", "green", "blue"]
    finish(dock)
    assert dock.viewer.layers["cells objects"].data.max() == labels.max()


def test_grey_images_run_in_colour_models_with_a_note(dock_of, labels, finish, tmp_path) -> None:
    truth = Truth.of_labels(labels, zoom=4)
    true_model(tmp_path / "m", "queries", truth, preprocessing=RGB)
    dock = dock_of(picture(labels))
    finish(dock)
    assert "used as red, green and blue" in dock.panel.status.text()


def test_nothing_found_says_what_the_model_knows(dock_of, labels, finish, tmp_path) -> None:
    truth = Truth.of_labels(labels, zoom=4)
    true_model(tmp_path / "m", "prototypes v8", truth, head=Masks(classes=CLASSES, threshold=0.99))
    dock = dock_of(picture(labels))
    finish(dock)
    text = dock.panel.status.text()
    assert text.startswith("Nothing found")
    assert "2 classes (nucleus, other)" in text
