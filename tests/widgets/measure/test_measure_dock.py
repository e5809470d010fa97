"""The Measure dock in a real viewer, opened through the manifest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QApplication

import napari_tally
from napari_tally.widgets.layers.colormaps import title_of
from napari_tally.widgets.measure.filter_panel import COPY, KEEP, REMOVE, UNDO

LOOK = {"scale": (0.5, 0.5), "units": ("um", "um"), "axis_labels": ("y", "x")}


def squares() -> np.ndarray:
    """Return twelve squares of 3 to 14 pixels a side, with ids from 1."""
    labels = np.zeros((70, 90), np.uint16)
    for i in range(12):
        y, x = 2 + 22 * (i // 4), 2 + 22 * (i % 4)
        labels[y : y + 3 + i, x : x + 3 + i] = i + 1
    return labels


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    image = np.random.default_rng(0).normal(100, 10, (70, 90))
    viewer.add_image(image, name="image", **LOOK)
    viewer.add_labels(squares(), name="squares", **LOOK)
    return viewer


@pytest.fixture
def dock(viewer):
    return viewer.window.add_plugin_dock_widget("napari-tally", "Measure")[1]


@pytest.fixture
def measure(dock, until):
    """Press the button and wait for the end."""

    def run() -> pd.DataFrame:
        dock.panel.run.click()
        until(lambda: not dock.runner.busy)
        return dock.objects.table

    return run


def last_message() -> str:
    return str(notification_manager.records[-1].message)


def colour(layer, label: int) -> np.ndarray:
    return np.asarray(layer.colormap.map(np.array([label], layer.data.dtype)))[0]


def test_the_table_becomes_the_features_of_the_layer(viewer, dock, measure) -> None:
    table = measure()
    expected = napari_tally.measure(squares(), viewer.layers["image"].data, spacing="0.5um")
    pd.testing.assert_frame_equal(
        table.drop(columns=[c for c in table if c.startswith("intensity")]),
        expected.drop(columns=[c for c in expected if c.startswith("intensity")]),
    )
    features = viewer.layers["squares"].features
    assert features["area_um2"][3] == 25 / 4
    assert "12 objects, median area" in dock.panel.status.text()
    assert "intensity_mean" in table


def test_unticked_images_and_groups_are_left_out(viewer, dock, measure) -> None:
    dock.form.groups["shape"].value = False
    dock.form.images[0].value = False
    table = measure()
    assert not [c for c in table if c.startswith(("axis_", "intensity"))]


def test_nothing_ticked_and_no_labels_are_refused(viewer, dock) -> None:
    for tick in dock.form.groups.values():
        tick.value = False
    dock.run()
    assert "No measurements are chosen" in last_message()
    viewer.layers.remove("squares")
    dock.run()
    assert "There is no label layer" in last_message()
    assert not dock.panel.run.isEnabled() and not dock.link_frames.isVisibleTo(dock)


def test_parents_are_named_in_the_table(viewer, dock, measure) -> None:
    halves = np.ones((70, 90), np.uint8)
    halves[:, 45:] = 2
    viewer.add_labels(halves, name="halves", **LOOK)
    dock.form.label_layer.value = viewer.layers["squares"]
    dock.form.parents.value = viewer.layers["halves"]
    assert measure()["parent"].tolist() == [1, 1, 2, 2] * 3


def test_parents_get_the_number_and_size_of_what_they_hold(viewer, dock, measure, tmp_path) -> None:
    halves = np.ones((70, 90), np.uint8)
    halves[:, 45:] = 2
    table = pd.DataFrame({"label": [np.nan, 1, 2], "class_name": [None, "left", "right"]})
    layer = viewer.add_labels(halves, name="halves", features=table, **LOOK)
    dock.form.label_layer.value = viewer.layers["squares"]
    dock.form.parents.value = layer
    objects = measure()
    held = layer.features.loc[1:]
    assert held["children_count"].tolist() == [6, 6]
    expected = objects.groupby("parent")["area_um2"].sum()
    assert held["children_area_um2"].tolist() == pytest.approx(expected.tolist())
    assert held["class_name"].tolist() == ["left", "right"]
    assert "12 are inside 2 parents, median 6 per parent." in dock.panel.status.text()
    dock.objects.take.write(tmp_path / "a.csv")
    written = pd.read_csv(tmp_path / "a_parents.csv")
    assert written["children_count"].tolist() == [6, 6]


def test_after_painting_only_what_changed_is_measured(viewer, dock, measure, monkeypatch) -> None:
    measure()
    layer = viewer.layers["squares"]
    layer.paint((3, 3), 0)
    assert "Press Update" in dock.panel.status.text()
    assert dock.panel.run.text() == "Update"
    assert dock.job().before is dock.measured
    table = measure()
    pd.testing.assert_frame_equal(
        table[["label", "area_um2"]],
        napari_tally.measure(layer.data, spacing="0.5um")[["label", "area_um2"]],
    )


def test_colours_follow_a_column_and_come_back(viewer, dock, measure) -> None:
    layer = viewer.layers["squares"]
    before = colour(layer, 5)
    measure()
    dock.objects.colours.column.setCurrentIndex(dock.objects.colours.column.findData("area_um2"))
    assert not dock.objects.colours.legend.isHidden()
    small, large = colour(layer, 1), colour(layer, 12)
    assert np.allclose(small[:3], [0.267, 0.005, 0.329], atol=0.02)  # the ends of viridis
    assert np.allclose(large[:3], [0.993, 0.906, 0.144], atol=0.02)
    dock.objects.colours.column.setCurrentIndex(0)
    assert np.allclose(colour(layer, 5), before)


def test_a_filter_dims_what_it_leaves_out_and_keep_removes_it(viewer, dock, measure, until) -> None:
    measure()
    layer = viewer.layers["squares"]
    dock.objects.picks.add_filter()
    one = dock.objects.picks.filters[0]
    assert one.name == "area_um2"
    one.range.setValue((9.0, 49.0))  # sides of 6 to 14 pixels
    assert dock.objects.picks.status.text() == "9 of 12 objects picked"
    assert colour(layer, 1)[3] < 0.2 < 0.9 < colour(layer, 8)[3]
    dock.objects.picks.asked.emit(KEEP)
    until(lambda: not dock.runner.busy)
    assert dock.measured.table["label"].tolist() == list(range(4, 13))
    assert set(np.unique(layer.data)) == {0, *range(4, 13)}
    dock.objects.picks.asked.emit(UNDO)
    until(lambda: not dock.runner.busy)
    assert np.array_equal(layer.data, squares())
    assert len(dock.measured.table) == 12


def test_a_range_on_the_histogram_and_a_lasso_pick_objects(viewer, dock, measure, until) -> None:
    measure()
    dock.objects.open_plot()
    plot = dock.objects.plot
    assert plot.is_histogram
    plot.pick_span(0, 8)
    assert dock.objects.picked.ids.tolist() == [1, 2, 3]
    dock.objects.picks.asked.emit(COPY)
    copied = viewer.layers["squares (picked)"]
    assert set(np.unique(copied.data)) == {0, 1, 2, 3}
    assert copied.units == viewer.layers["squares"].units
    plot.y_column.setCurrentIndex(plot.y_column.findData("centroid_y_um"))
    assert not dock.objects.picked.some
    plot.pick_lasso([(0, 0), (100, 0), (100, 10), (0, 10)])
    assert dock.objects.picked.ids.tolist() == [1, 2, 3, 4]
    dock.objects.picks.asked.emit(REMOVE)
    until(lambda: not dock.runner.busy)
    assert dock.measured.table["label"].tolist() == list(range(5, 13))


def test_a_click_on_the_plot_picks_all_again(viewer, dock, measure) -> None:
    measure()
    dock.objects.open_plot()
    dock.objects.plot.pick_span(0, 8)
    dock.objects.plot.pick_span(3, 3)
    assert not dock.objects.picked.some


def test_rows_of_a_series_are_those_of_the_frame_in_view(viewer, dock, measure) -> None:
    two = np.stack([squares(), np.where(squares() > 6, squares(), 0)])
    viewer.add_labels(two, name="series", axis_labels=("t", "y", "x"))
    assert dock.form.axes.value == "TYX"
    table = measure()
    assert table["t"].value_counts().to_dict() == {0: 12, 1: 6}
    viewer.dims.set_current_step(0, 1)
    assert viewer.layers["series"].features["area_px2"].notna().sum() == 6
    viewer.dims.set_current_step(0, 0)
    assert viewer.layers["series"].features["area_px2"].notna().sum() == 12


def test_linked_objects_come_with_their_tracks_and_one_id(viewer, dock, measure, until) -> None:
    moved = np.roll(squares(), 2, axis=1)
    other = np.where(moved > 0, 13 - moved.astype(int), 0).astype(np.uint16)
    viewer.add_labels(
        np.stack([squares(), other]), name="series", scale=(1, 0.5, 0.5),
        axis_labels=("t", "y", "x"), units=("pixel", "um", "um"),
    )  # fmt: skip
    assert not dock.link_frames.isHidden()
    dock.link_frames.click()
    until(lambda: dock.measured is not None)
    linked = viewer.layers["series (linked)"].data
    inside = (squares() > 0) & (moved > 0)
    same = linked[0][inside] == linked[1][inside]
    assert same[squares()[inside] == moved[inside]].all()
    tracks = viewer.layers["series tracks"]
    assert tracks.data.shape == (24, 4)
    assert tracks.extent.world[1][1] <= 70 / 2
    assert dock.measured.table["label"].value_counts().eq(2).all()


def test_nuclei_are_grown_to_cells_and_measured_together(viewer, dock, measure) -> None:
    dock.form.grow.value = "1um"
    table = measure()
    assert (table["cell_area_um2"] > table["area_um2"]).all()
    assert "ring_intensity_mean" in table
    cells = viewer.layers["squares (cells)"]
    assert (cells.data > 0).sum() > (squares() > 0).sum()
    assert viewer.layers.selection.active is viewer.layers["squares"]
    dock.form.grow.value = "far"
    dock.run()
    assert "number with a unit" in last_message()


def test_classes_of_a_model_stay_in_the_table(viewer, dock, measure) -> None:
    layer = viewer.layers["squares"]
    layer.features = pd.DataFrame(
        {"label": [np.nan, 1, 2], "confidence": [np.nan, 0.5, 0.75], "area_um2": [np.nan, 0, 0]}
    )
    table = measure()
    assert table["confidence"][:3].fillna(-1).tolist() == [0.5, 0.75, -1]
    assert table["area_um2"][0] == 9 / 4


def test_large_gaps_in_the_ids_can_be_closed(viewer, dock, measure, until) -> None:
    layer = viewer.layers["squares"]
    layer.data = np.where(squares() == 12, np.uint32(2**31), squares())
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert "2,147,483,648" in dock.panel.status.text()
    dock.relabel.click()
    until(lambda: not dock.runner.busy)
    assert dock.measured.table["label"].tolist() == list(range(1, 13))
    assert dock.relabel.isHidden()


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [(np.full((6, 6), -1), "must not be negative"), (np.zeros((6, 6), np.uint8), "0 objects")],
    ids=["negative", "none"],
)
def test_odd_labels_end_in_a_sentence(viewer, dock, until, labels, sentence) -> None:
    viewer.add_labels(labels, name="odd")
    dock.panel.run.click()
    until(lambda: not dock.runner.busy)
    assert sentence in dock.panel.status.text()


def test_labels_that_are_removed_during_the_run_are_missed(viewer, dock, until) -> None:
    dock.panel.run.click()
    viewer.layers.remove("squares")
    until(lambda: not dock.runner.busy)
    assert dock.measured is None


def test_the_table_goes_to_the_clipboard_and_to_a_file(viewer, dock, measure, tmp_path) -> None:
    table = measure()
    dock.objects.take.copy.click()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:2] == ["label", "area_um2"]
    assert len(lines) == len(table) + 1
    dock.objects.take.write(tmp_path / "objects.csv")
    assert len(pd.read_csv(tmp_path / "objects.csv")) == 12
    dock.objects.take.write(tmp_path / "report.html")
    assert "squares" in (tmp_path / "report.html").read_text("utf-8")
    dock.objects.take.write(tmp_path / "objects.csv")
    assert "exists" in last_message()


def test_a_closed_dock_lets_go_of_the_viewer(viewer, dock, measure) -> None:
    measure()
    dock.objects.open_plot()
    layer, before = viewer.layers["squares"], len(viewer.layers["squares"].events.paint.callbacks)
    viewer.window.remove_dock_widget(dock.parentWidget())
    assert len(layer.events.paint.callbacks) == before - 1
    viewer.add_image(np.zeros((5, 5)))
    viewer.dims.set_current_step(0, 0)


@pytest.mark.parametrize(
    ("column", "title"),
    [
        ("volume_um3", "volume (µm³)"),
        ("local_density_per_um3", "local density (per µm³)"),
        ("orientation_deg", "orientation (°)"),
        ("intensity_displacement_um_dapi", "intensity displacement dapi (µm)"),
        ("extent", "extent"),
    ],
)
def test_columns_are_written_as_people_do(column: str, title: str) -> None:
    assert title_of(column) == title


def test_painted_labels_are_measured_again_at_once(viewer, dock, measure, until, tmp_path) -> None:
    measure()
    layer = viewer.layers["squares"]
    layer.fill((3, 3), 0)
    layer.paint((50, 80), 40)
    until(lambda: "12 objects" in dock.panel.status.text() and not dock.live.problem)
    assert dock.objects.table["label"].tolist() == [*range(2, 13), 40]
    assert layer.features["label"].dropna().tolist() == [*range(2, 13), 40]
    layer.data[layer.data == 2] = 0  # which napari does not announce
    dock.objects.take.write(tmp_path / "objects.csv")
    assert pd.read_csv(tmp_path / "objects.csv")["label"].tolist() == [*range(3, 13), 40]
    layer.undo()
    dock.objects.take.copy.click()
    rows = QApplication.clipboard().text().splitlines()[1:]
    assert [int(row.split("\t")[0]) for row in rows] == list(range(3, 13))


def test_an_object_with_the_id_of_a_deleted_one_is_another(viewer, dock, measure, until) -> None:
    layer = viewer.layers["squares"]
    layer.features = pd.DataFrame({"label": [np.nan, 1, 2], "confidence": [np.nan, 0.5, 0.75]})
    measure()
    layer.fill((3, 3), 0)
    layer.paint((50, 80), 1)
    until(lambda: not dock.live.problem)
    assert dock.objects.table["confidence"][:2].fillna(-1).tolist() == [-1, 0.75]


def test_painted_parents_count_at_once(viewer, dock, measure, until) -> None:
    halves = np.ones((70, 90), np.uint8)
    halves[:, 45:] = 2
    parents = viewer.add_labels(halves, name="halves", **LOOK)
    dock.form.label_layer.value = viewer.layers["squares"]
    dock.form.parents.value = parents
    measure()
    parents.fill((0, 89), 7)
    until(lambda: not dock.live.problem)
    assert dock.objects.table["parent"].tolist() == [1, 1, 7, 7] * 3
    assert parents.features["children_count"].dropna().tolist() == [6, 6]


def test_a_pick_of_labels_that_were_edited_since_removes_nothing(viewer, dock, measure) -> None:
    measure()
    layer = viewer.layers["squares"]
    dock.objects.picks.add_filter()
    dock.objects.picks.filters[0].range.setValue((9.0, 49.0))
    layer.fill((3, 3), 0)
    painted = layer.data.copy()
    dock.objects.picks.asked.emit(REMOVE)
    assert np.array_equal(layer.data, painted)
    assert "Pick again" in last_message()


def test_a_layer_that_the_dock_has_left_keeps_its_own_table(viewer, dock, measure, until) -> None:
    measure()
    first = viewer.layers["squares"]
    viewer.add_labels(squares(), name="others", **LOOK)
    measure()
    first.fill((3, 3), 0)
    until(lambda: first.features["label"].dropna().tolist() == list(range(2, 13)))
    assert len(dock.objects.table) == 12
    viewer.window.remove_dock_widget(dock.parentWidget())
    first.undo()
    until(lambda: first.features["label"].dropna().tolist() == list(range(1, 13)))


def test_a_table_in_another_scale_is_out_of_date(viewer, dock, measure, until) -> None:
    measure()
    layer = viewer.layers["squares"]
    before = layer.scale
    layer.scale = 2 * before
    until(lambda: "have changed since they were measured" in dock.live.problem)
    assert not dock.live.update()
    layer.scale = before
    until(lambda: not dock.live.problem)
    layer.scale = 2 * before
    measure()
    assert not dock.live.problem


def test_the_voxel_size_follows_the_layer_until_another_is_typed(viewer, dock, measure) -> None:
    layer = viewer.layers["squares"]
    dock.form.images[0].value = False  # it keeps its scale
    assert measure()["area_um2"][0] == 9 * 0.25
    layer.scale = (1, 1)
    assert dock.form.spacing.value == "1,1um"
    assert measure()["area_um2"][0] == 9
    dock.form.spacing.value = "2um"
    layer.scale = (3, 3)
    assert measure()["area_um2"][0] == 36


def test_parents_follow_their_children_without_the_dock(viewer, dock, measure, until) -> None:
    parents = viewer.add_labels(np.ones((70, 90), np.uint8), name="whole", **LOOK)
    layer = viewer.layers["squares"]
    dock.form.label_layer.value, dock.form.parents.value = layer, parents
    measure()
    viewer.window.remove_dock_widget(dock.parentWidget())
    layer.fill((3, 3), 0)
    until(lambda: parents.features["children_count"][1] == 11)
