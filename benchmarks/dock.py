"""The Segment dock: seconds to open, and from a slider to what is seen, without the network.

    python benchmarks/dock.py        (under xvfb-run where there is no display)

The visible field is 512 x 512 px of a simulated image of that size, with 160 nuclei.
"""

from __future__ import annotations

import time
from statistics import median

import napari
from qtpy.QtWidgets import QApplication
from side_by_side import machine

REPEATS = 9


def main() -> None:
    viewer = napari.Viewer()
    viewer.open_sample("napari-tally", "nuclei_2d")
    start = time.perf_counter()
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    opened = time.perf_counter() - start
    dock.run()
    longest, before = 0.0, time.perf_counter()
    while dock.runner.busy:
        QApplication.processEvents()
        longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
        time.sleep(0.001)
    print(machine("napari", "torch"))
    print(f"open the dock            {opened:.3f} s")
    print(f"longest pause of the window in the first run  {longest:.3f} s")
    seconds = []
    for number in range(REPEATS):
        dock.tune.sliders["threshold"].setValue(0.4 + 0.05 * number)
        start = time.perf_counter()
        dock.separate()
        seconds.append(time.perf_counter() - start)
        while dock.runner.busy:
            QApplication.processEvents()
    shape = "x".join(map(str, dock.result.layer.data.shape))
    print(f"decode what is visible   {median(seconds):.3f} s (median of {REPEATS}, {shape})")
    viewer.close()


if __name__ == "__main__":
    main()
