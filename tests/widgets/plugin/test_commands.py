"""What the Layers menu offers."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from npe2 import PluginManager

import napari_tally

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


def test_measuring_an_image_is_refused_in_a_sentence(run) -> None:
    viewer, command = run
    viewer.add_image(np.zeros((5, 5)))
    command("measure_labels")
    assert "label layer is needed" in notification_manager.records[-1].message


def test_the_segment_menu_opens_the_dock(run) -> None:
    viewer, command = run
    command("open_segment")
    assert any("Segment" in name for name in viewer.window.dock_widgets)


def test_separating_adds_a_layer_that_lies_on_the_old_one_and_leaves_it(run, qtbot) -> None:
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
