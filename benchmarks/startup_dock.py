"""The first run in a newly started napari: seconds from Run to objects, and pauses of the window.

    python benchmarks/startup_dock.py [--frames FOLDER] [--why]

(under `xvfb-run -a` where there is no display). Each viewer is a process of its own with the
settings of a new user: it opens the sample of 512 x 512 px, then the Segment dock, and presses Run
at once, or after 5 s, as one who looks at the dock first. A pause is the time between two ticks of
a timer of the window. Times of `python -c "import torch"` tell how fast the machine is.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

WAITS = (5.0, 0.0)  # s between the dock and Run
_TICK_MS = 5
_LONG = 0.15  # s: pauses that --why explains
_FRAME = 0.25  # s


def main() -> None:
    asked = _arguments()
    if asked.wait is not None:
        print(json.dumps(_Run(asked.wait, asked.dock, why=asked.why).measured()))
        return
    from side_by_side import machine

    print(machine("napari", "torch"))
    torch = [_seconds([sys.executable, "-c", "import torch"]) for _ in range(3)]
    print(f"python -c 'import torch'   {median(torch):.2f} s")
    for wait in WAITS:
        runs = [_viewer(wait, asked) for _ in range(asked.repeats)]
        print(f"Run {wait:.0f} s after the dock opened (median of {len(runs)})")
        for name in ("open the dock", "Run to objects", "longest pause", "exit"):
            values = [run[name] for run in runs]
            print(f"  {name:<18} {median(values):6.2f} s  (highest {max(values):.2f} s)")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--frames", type=Path, help="folder for pictures of the screen")
    parser.add_argument("--why", action="store_true", help="print where long pauses were spent")
    parser.add_argument("--dock", default="Segment")
    parser.add_argument("--wait", type=float, help=argparse.SUPPRESS)  # in the viewer's process
    return parser.parse_args()


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def _viewer(wait: float, asked: argparse.Namespace) -> dict[str, float]:
    """Run a viewer in a process of its own, with the settings of a new user."""
    command = [sys.executable, __file__, "--wait", str(wait), "--dock", asked.dock]
    with tempfile.TemporaryDirectory() as folder:
        own = os.environ | {"NAPARI_CONFIG": str(Path(folder) / "settings.yaml")}
        command += ["--why"] * asked.why
        camera = _Camera() if asked.frames else None
        done = subprocess.run(command, env=own, check=True, stdout=subprocess.PIPE, text=True)
        ended = time.time()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if camera is not None:
        camera.save(asked.frames / f"after_{wait:.0f}_s", found["pressed"])
    return found | {"exit": ended - found["closed"]}


class _Camera:
    """Takes pictures of the screen until they are saved."""

    def __init__(self) -> None:
        self.pictures: list[tuple[float, Any]] = []
        self.stop = Event()
        self.thread = Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        from PIL import ImageGrab

        display = os.environ.get("DISPLAY")
        while not self.stop.wait(_FRAME):
            self.pictures.append((time.time(), ImageGrab.grab(xdisplay=display)))

    def save(self, folder: Path, zero: float) -> None:
        """Write the pictures; their names are the time since Run was pressed."""
        self.stop.set()
        self.thread.join()
        folder.mkdir(parents=True, exist_ok=True)
        for number, (when, picture) in enumerate(self.pictures):
            picture.save(folder / f"{number:03}_{when - zero:+06.2f}s.png")


class _Run:
    """One viewer from its start to the first objects."""

    def __init__(self, wait: float, dock: str, *, why: bool) -> None:
        import napari
        from qtpy.QtCore import QTimer

        self.wait, self.why, self.name = wait, why, dock
        self.viewer = napari.Viewer()
        self.viewer.open_sample("napari-tally", "nuclei_2d")
        self.times: dict[str, float] = {}
        self.longest = self.longest_at = 0.0
        self.ticked = 0.0
        self.ticker = QTimer()
        self.ticker.timeout.connect(self._tick)
        QTimer.singleShot(1000, self._open)  # the window is drawn by then

    def measured(self) -> dict[str, float]:
        """Run the application until it is closed, and return what was measured."""
        import napari

        napari.run()
        return self.times | {"longest pause": self.longest, "at": self.longest_at}

    def _open(self) -> None:
        from qtpy.QtCore import QTimer

        start = time.perf_counter()
        self.dock = self.viewer.window.add_plugin_dock_widget("napari-tally", self.name)[1]
        self.times["open the dock"] = time.perf_counter() - start
        self.ticker.start(_TICK_MS)
        QTimer.singleShot(round(self.wait * 1000), self._press)

    def _press(self) -> None:
        self.times["pressed"] = time.time()
        self.dock.panel.run.click()

    def _tick(self) -> None:
        now = time.time()
        if self.ticked and now - self.ticked > self.longest:
            self.longest = now - self.ticked
            self.longest_at = self.ticked - self.times.get("pressed", now)
        if self.ticked and now - self.ticked > _LONG and self.why:
            print(f"^ paused {now - self.ticked:.3f} s", file=sys.stderr)
        self.ticked = now
        if self.why:
            faulthandler.dump_traceback_later(_LONG)
        if "Run to objects" in self.times:
            self._close(now)
        elif self._sees_objects():  # drawn before the next tick
            self.times["Run to objects"] = 0.0

    def _sees_objects(self) -> bool:
        from napari.layers import Labels

        return any(
            isinstance(layer, Labels) and layer.visible and layer.data.any()
            for layer in self.viewer.layers
        )

    def _close(self, now: float) -> None:
        self.ticker.stop()
        faulthandler.cancel_dump_traceback_later()
        self.times["Run to objects"] = now - self.times["pressed"]
        self.times["closed"] = time.time()
        self.viewer.close()


if __name__ == "__main__":
    main()
