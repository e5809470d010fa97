"""The Evaluate dock in a real viewer, opened through the manifest."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_tally.evaluation.error_pictures import COLOURS

LOOK = {"scale": (0.5, 0.5), "units": ("um", "um"), "axis_labels": ("y", "x")}


def truth() -> np.ndarray:
    """Return six squares of 10 pixels a side."""
    labels = np.zeros((60, 80), np.uint16)
    for i in range(6):
        labels[5 + 25 * (i // 3) :, 5 + 25 * (i % 3) :][:10, :10] = i + 1
    return labels


def prediction() -> np.ndarray:
    """Return the same with one missed, two merged, one split, and a false one."""
    labels = truth()
    labels[labels == 1] = 0
    labels[5:15, 30:65] = 2
    labels[30:35, 5:15] = 20
    labels[50:56, 40:46] = 30
    return labels


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.add_labels(truth(), name="truth", **LOOK)
    viewer.add_labels(prediction(), name="found", **LOOK)
    return viewer


@pytest.fixture
def dock(viewer):
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Evaluate")[1]
    dock.predicted.value = viewer.layers["found"]
    dock.ground_truth.value = viewer.layers["truth"]
    return dock


@pytest.fixture
def compare(dock, until):
    def run() -> None:
        dock.panel.run.click()
        until(lambda: not dock.runner.busy)

    return run


def numbers(dock, column: int = 0) -> dict[str, str]:
    table = dock.scores
    return {
        table.verticalHeaderItem(i).text(): table.item(i, column).text()
        for i in range(table.rowCount())
    }


def rows(dock) -> list[tuple[str, str, str]]:
    table = dock.errors
    return [tuple(table.item(i, c).text() for c in range(3)) for i in range(table.rowCount())]


def last_message() -> str:
    return str(notification_manager.records[-1].message)


def test_scores_of_a_prediction(dock, compare) -> None:
    compare()
    found = numbers(dock)
    # The squares 5 and 6 are as they should be; one half of 4 is a partner of it (IoU 0.5).
    assert found["true objects"] == "6"
    assert found["predicted objects"] == "6"
    assert found["merges"] == "1"
    assert float(found["AP at IoU 0.5"]) == pytest.approx(3 / (3 + 3 + 3), abs=1e-3)
    assert not dock.errors.isHidden()


def test_two_predictions_stand_side_by_side(viewer, dock, compare) -> None:
    viewer.add_labels(truth(), name="perfect", **LOOK)
    dock.second.value = viewer.layers["perfect"]
    compare()
    assert float(numbers(dock, 1)["mean AP 0.5:0.95"]) == 1
    assert len(dock.curve.figure.axes[0].lines) == 2


def test_a_row_of_the_list_leads_to_its_object(viewer, dock, compare) -> None:
    compare()
    wrong = rows(dock)
    assert ("missed", "true", "1") in wrong
    assert ("merged", "predicted", "2") in wrong
    assert ("false", "predicted", "30") in wrong
    dock.errors.setCurrentCell(wrong.index(("false", "predicted", "30")), 0)
    assert viewer.layers["found"].selected_label == 30
    frame = viewer.layers["selected object"]
    assert frame.extent.world.mean(axis=0) == pytest.approx([26.25, 21.25], abs=0.5)
    dock.errors.setCurrentCell(wrong.index(("missed", "true", "1")), 0)
    assert viewer.layers["truth"].selected_label == 1


def test_match_outcomes_are_shown_and_hidden(viewer, dock, compare) -> None:
    compare()
    dock.show_outcomes.setChecked(True)
    layer = viewer.layers["truth: match outcomes"]
    assert not viewer.layers["truth"].visible
    shown = layer.colormap.map(np.array([1, 2], np.uint8))
    assert np.allclose(shown[1][:3], np.array([0xD5, 0x5E, 0x00]) / 255, atol=0.01)
    assert layer.data[6, 6] == 2  # missed
    legend = dock.legend.text()
    assert all(f"color:{colour}" in legend for colour in COLOURS.values()) and "missed" in legend
    dock.show_outcomes.setChecked(False)
    assert {layer.name for layer in viewer.layers} == {"truth", "found"}
    assert viewer.layers["truth"].visible


def test_classes_have_dice_and_distances(viewer, dock, compare) -> None:
    dock.kind.value = "classes"
    viewer.layers["truth"].data = (truth() > 0).astype(np.uint8)
    viewer.layers["found"].data = (prediction() > 0).astype(np.uint8)
    compare()
    found = numbers(dock)
    a, b = truth() > 0, prediction() > 0
    assert float(found["class 1: Dice"]) == pytest.approx(
        2 * (a & b).sum() / (a.sum() + b.sum()), abs=1e-3
    )
    assert any(name.startswith("class 1: HD95 (µm)") for name in found)
    assert dock.errors.isHidden()


def test_layers_that_cannot_be_compared_are_refused(viewer, dock, compare) -> None:
    dock.ground_truth.value = viewer.layers["found"]
    dock.run()
    assert "both prediction and ground truth" in last_message()
    viewer.add_labels(np.zeros((9, 9), np.uint8), name="small")
    dock.ground_truth.value = viewer.layers["small"]
    compare()
    assert "has shape" in last_message()
    for name in ("small", "found", "truth"):
        viewer.layers.remove(name)
    dock.run()
    assert "There is no label layer" in last_message()


def test_layers_that_are_removed_meanwhile_do_no_harm(viewer, dock, compare) -> None:
    compare()
    dock.show_outcomes.setChecked(True)
    viewer.layers.remove("found")
    viewer.layers.remove("truth: match outcomes")
    dock.errors.setCurrentCell(0, 0)
    dock.show_outcomes.setChecked(False)
    assert {layer.name for layer in viewer.layers} <= {"truth", "selected object"}


def test_a_closed_dock_disconnects_from_the_viewer(viewer, dock, compare) -> None:
    compare()
    viewer.window.remove_dock_widget(dock.parentWidget())
    viewer.theme = "light"
    viewer.add_labels(truth())


def test_scores_of_edited_labels_are_marked_until_they_are_compared_again(
    viewer, dock, compare, until
) -> None:
    compare()
    layer = viewer.layers["found"]
    layer.fill((32, 6), 0)
    assert "Press Compare" in dock.panel.status.text() and not dock.scores.isEnabled()
    assert not dock.errors.isEnabled() and not dock.after.isEnabled()
    layer.undo()
    until(dock.scores.isEnabled)
    assert "edited" not in dock.panel.status.text()
    viewer.layers["truth"].fill((6, 6), 0)
    until(lambda: not dock.scores.isEnabled())
    compare()
    assert dock.scores.isEnabled() and numbers(dock)["true objects"] == "5"


def test_labels_elsewhere_are_refused_with_the_distance(viewer, dock) -> None:
    viewer.layers["found"].translate = (0, 3)
    dock.run()
    assert "found and the ground truth truth differ in position by up to 3 um" in last_message()


def test_masks_are_noted_and_split_on_request(viewer, dock, compare) -> None:
    for name in ("truth", "found"):
        viewer.layers[name].data = (truth() > 0).astype(np.uint8)
    compare()
    assert "tick Separate" in dock.panel.status.text()
    assert numbers(dock)["true objects"] == "1"
    dock.form.editors["separate"].value = True
    compare()
    assert numbers(dock)["true objects"] == "6"
