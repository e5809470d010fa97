"""Make the pictures of the docs from the real program.

python docs/screenshots.py        (under xvfb-run where there is no display)
"""

from __future__ import annotations

import time
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication

IMAGES = Path(__file__).with_name("images")
SIZE = (1366, 768)


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


def main() -> None:
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-tally", "cells3d_projection")
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    dock.run()
    wait(lambda: not dock.runner.busy)
    dock.contours.setChecked(True)
    dock.take_away.show_table()
    pause(2)
    viewer.screenshot(IMAGES / "segment_dock.png", canvas_only=False)
    viewer.close()


if __name__ == "__main__":
    main()
