"""Make the pictures of the docs from the real program.

python docs/screenshots.py [--theme light] [--output FOLDER]   (under xvfb-run without a display)
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

# Settings of its own: where docks were last is not what a new user sees.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")

import napari
from napari.layers import Labels
from napari.settings import get_settings
from PIL import Image
from qtpy.QtWidgets import QApplication

IMAGES = Path(__file__).with_name("images")
SIZE = (1366, 768)
OBJECT = 9


def wait(condition, seconds: float = 120) -> None:
    """Keep the window alive until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(condition)
        QApplication.processEvents()
        time.sleep(0.01)


def pause(seconds: float) -> None:
    """Keep the window alive for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


def take(viewer: napari.Viewer, path: Path) -> None:
    """Write what the whole window shows."""
    pause(1.5)
    picture = Image.fromarray(viewer.screenshot(canvas_only=False)[..., :3])
    picture.quantize(128).save(path, optimize=True)


def tour(viewer: napari.Viewer, folder: Path) -> None:
    """Use the Segment dock as in the tutorial."""
    viewer.open_sample("napari-tally", "cells3d_projection")
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    take(viewer, folder / "segment_1_open.png")
    dock.panel.run.click()
    wait(lambda: not dock.runner.busy)
    take(viewer, folder / "segment_2_run.png")
    dock.contours.setChecked(True)
    dock.tune.sliders["threshold"].value = 0.9
    pause(0.5)
    wait(lambda: not dock.runner.busy)
    take(viewer, folder / "segment_3_tune.png")
    dock.tune.sliders["threshold"].value = 0.75
    pause(0.5)
    wait(lambda: not dock.runner.busy)
    dock.take_away.show_table()
    dock.result.layer.selected_label = OBJECT
    take(viewer, folder / "segment_4_table.png")


def tour_of_measuring(viewer: napari.Viewer, folder: Path) -> None:
    """Measure the objects found, colour them and pick some on the plot."""
    labels = next(layer for layer in viewer.layers if isinstance(layer, Labels))
    viewer.layers.selection.active = labels
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Measure", tabify=True)[1]
    dock.form.groups["hull"].value = True
    dock.panel.run.click()
    wait(lambda: not dock.runner.busy)
    objects = dock.objects
    objects.colours.column.setCurrentIndex(objects.colours.column.findData("solidity"))
    objects.pick_box.open()
    objects.picks.add_filter()
    low, high = objects.picks.filters[0].range.value()
    objects.picks.filters[0].range.setValue((low + 0.25 * (high - low), high))
    dock.parentWidget().raise_()
    take(viewer, folder / "measure_1_dock.png")
    objects.open_plot()
    objects.plot.y_column.setCurrentIndex(objects.plot.y_column.findData("intensity_mean"))
    objects.plot.parentWidget().raise_()
    take(viewer, folder / "measure_2_plot.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--output", type=Path, default=IMAGES)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    get_settings().appearance.theme = args.theme
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    tour(viewer, args.output)
    tour_of_measuring(viewer, args.output)
    viewer.close()


if __name__ == "__main__":
    main()
