"""What the Layers menu offers."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers._layer_actions import _duplicate_layer
from napari.utils.notifications import notification_manager
from npe2 import PluginManager

import napari_tally
from napari_tally.widgets.layers.features import OUTDATED

LABELS = np.zeros((30, 40), np.uint16)
LABELS[2:6, 3:9] = 3
LABELS[10:20, 10:20] = 7


@pytest.fixture
def run(make_napari_viewer):
    """Run a command of the manifest on a fresh viewer."""
    viewer = make_napari_viewer(show=True)

    def command(name: str):
        PluginManager.instance().commands.execute(f"napari-tally.{name}", (viewer,))

    return viewer, command


def test_measuring_gives_each_label_its_row(run, qtbot) -> None:
    viewer, command = run
    image = viewer.add_image(np.arange(1200.0).reshape(30, 40), scale=(0.5, 0.5), units="um")
    layer = viewer.add_labels(LABELS, scale=(0.5, 0.5), units="um")
    command("measure_labels")
    qtbot.waitUntil(lambda: len(layer.features.columns) > 0, timeout=30_000)
    expected = napari_tally.measure(LABELS, image.data, spacing="0.5um")
    rows = layer.features.iloc[[3, 7]]
    assert rows["area_um2"].tolist() == expected["area_um2"].tolist() == [6, 25]
    assert np.allclose(rows["intensity_mean"], expected["intensity_mean"])
    assert layer.features["label"].isna().sum() == 6


def test_features_that_a_command_measured_follow_edits(run, qtbot) -> None:
    viewer, command = run
    layer = viewer.add_labels(LABELS.copy())
    command("measure_labels")
    qtbot.waitUntil(lambda: len(layer.features.columns) > 0, timeout=30_000)
    layer.fill((3, 4), 0)
    layer.paint((25, 30), 9)
    rows = lambda: layer.features["label"].dropna().tolist()  # noqa: E731
    qtbot.waitUntil(lambda: rows() == [7, 9], timeout=30_000)
    layer.undo()
    layer.undo()
    qtbot.waitUntil(lambda: rows() == [3, 7], timeout=30_000)


def test_the_table_of_a_duplicate_is_marked_when_the_duplicate_is_edited(run, qtbot) -> None:
    viewer, command = run
    layer = viewer.add_labels(LABELS.copy())
    command("measure_labels")
    qtbot.waitUntil(lambda: len(layer.features.columns) > 0, timeout=30_000)
    viewer.layers.selection.active = layer
    _duplicate_layer(viewer.layers)
    copy = next(x for x in viewer.layers if x is not layer)
    assert copy.features["label"].dropna().tolist() == [3, 7]
    copy.fill((3, 4), 0)
    assert copy.features[OUTDATED].all() and OUTDATED not in layer.features


def test_measuring_an_image_is_refused_in_a_sentence(run) -> None:
    viewer, command = run
    viewer.add_image(np.zeros((5, 5)))
    command("measure_labels")
    assert "not a label layer" in notification_manager.records[-1].message


def test_the_segment_menu_opens_the_dock(run) -> None:
    viewer, command = run
    command("open_segment")
    assert any("Segment" in name for name in viewer.window.dock_widgets)


def test_separating_adds_an_aligned_layer_and_keeps_the_old_one(run, qtbot) -> None:
    viewer, command = run
    y, x = np.indices((20, 34))
    mask = (np.minimum(np.hypot(y - 9, x - 9), np.hypot(y - 9, x - 19)) <= 6).astype(np.uint8)
    look = {"scale": (0.5, 0.5), "units": "um", "rotate": 20, "axis_labels": ("y", "x")}
    layer = viewer.add_labels(mask.copy(), name="mask", **look)
    command("separate_touching")
    qtbot.waitUntil(lambda: "mask (separated)" in viewer.layers, timeout=30_000)
    found = viewer.layers["mask (separated)"]
    assert np.array_equal(layer.data, mask) and not layer.visible
    assert found.data.max() == 2 and np.array_equal(found.data > 0, mask > 0)
    assert found.features["area_um2"][1:].sum() == mask.sum() / 4
    assert found.extent.world.tolist() == layer.extent.world.tolist()
    assert found.units == layer.units


def test_negative_labels_are_refused_in_a_sentence(run, qtbot) -> None:
    viewer, command = run
    viewer.add_labels(np.full((6, 6), -1))
    command("separate_touching")
    said = notification_manager.records
    qtbot.waitUntil(lambda: "Labels must not be negative" in said[-1].message, timeout=30_000)
    assert len(viewer.layers) == 1


def test_components_of_a_mask_are_objects_of_their_own_also_in_frames(run, qtbot) -> None:
    viewer, command = run
    mask = np.stack([LABELS > 0, LABELS == 7]).astype(np.uint8)
    look = {"scale": (1, 0.5, 0.5), "translate": (0, 3, 4), "units": ("s", "um", "um")}
    layer = viewer.add_labels(mask, name="mask", axis_labels=("t", "y", "x"), **look)
    command("split_components")
    qtbot.waitUntil(lambda: "mask (components)" in viewer.layers, timeout=30_000)
    found = viewer.layers["mask (components)"]
    assert np.array_equal(found.data > 0, mask > 0)
    assert set(np.unique(found.data)) == {0, 1, 2, 3}
    assert found.axis_labels == layer.axis_labels and found.units == layer.units
    assert np.array_equal(found.translate, layer.translate)


def _form(viewer, name: str):
    return viewer.window.add_plugin_dock_widget("napari-tally", name)[1]


def test_nuclei_grow_to_cells_with_their_ids_and_their_place(make_napari_viewer, qtbot) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.add_labels(LABELS, name="other")
    layer = viewer.add_labels(LABELS, name="nuclei", scale=(0.5, 0.5), units="um")
    form = _form(viewer, "Grow nuclei to cells")
    assert form.nuclei.value is layer  # the active one
    form.distance.value = "1"  # in the layer's unit, um
    form()
    qtbot.waitUntil(lambda: "nuclei (cells)" in viewer.layers, timeout=30_000)
    cells = viewer.layers["nuclei (cells)"]
    assert set(np.unique(cells.data)) == {0, 3, 7}
    assert np.array_equal(cells.data[LABELS > 0], LABELS[LABELS > 0])
    assert (cells.data > 0).sum() > (LABELS > 0).sum() and cells.units == layer.units
    assert cells.data[8, 15] == 7 and cells.data[7, 15] == 0  # 1 um is 2 px


def test_a_distance_that_is_none_is_refused_in_a_sentence(make_napari_viewer) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.add_labels(LABELS, name="nuclei")
    form = _form(viewer, "Grow nuclei to cells")
    form.distance.value = "far"
    form()
    assert "far" in notification_manager.records[-1].message
    assert len(viewer.layers) == 1


def test_the_form_separates_at_the_necks_that_the_command_does(make_napari_viewer) -> None:
    from napari_tally.segmentation.split_touching import NECK

    assert _form(make_napari_viewer(show=True), "Separate touching objects").neck.value == NECK


@pytest.mark.parametrize(
    "name",
    ["Separate touching objects", "Split into connected components", "Measure objects",
     "Grow nuclei to cells", "Save layer in another format"],
)  # fmt: skip
def test_commands_without_a_layer_are_refused_in_a_sentence(make_napari_viewer, name) -> None:
    viewer = make_napari_viewer(show=True)
    form = _form(viewer, name)
    form()
    assert "layer" in notification_manager.records[-1].message or "Only images" in (
        notification_manager.records[-1].message
    )


def test_a_layer_is_saved_in_another_format_with_its_place(
    make_napari_viewer, qtbot, tmp_path
) -> None:
    from napari_tally.files import read

    viewer = make_napari_viewer(show=True)
    viewer.add_labels(LABELS, name="nuclei", scale=(0.5, 0.25), units="um", axis_labels=("y", "x"))
    form = _form(viewer, "Save layer in another format")
    path = tmp_path / "nuclei.ome.tif"
    form.path.value = path
    form()
    qtbot.waitUntil(path.exists, timeout=30_000)
    found = read(path)
    assert np.array_equal(found.array, LABELS) and found.spacing == (0.5, 0.25)


def test_a_path_of_an_unknown_user_is_refused_in_a_sentence(make_napari_viewer) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.add_labels(LABELS, name="nuclei")
    form = _form(viewer, "Save layer in another format")
    form.path.line_edit.value = "~nosuchuser/a.tif"  # typed
    form()
    assert "no user of the name" in notification_manager.records[-1].message
