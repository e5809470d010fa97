"""What runs need is loaded in the background, once, while the window stays alive."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading

import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.progress import Step, drain
from napari_tally.segmentation.segment import SEPARATE
from napari_tally.widgets.controls.preload import Preload, preload, quick_collections
from napari_tally.widgets.controls.run_panel import PLANES
from napari_tally.widgets.segment import dock as segment_dock
from napari_tally.widgets.segment import job as segment_job


class Slow:
    """A part that ends when it is let go."""

    def __init__(self) -> None:
        self.count, self.go = 0, threading.Event()

    def steps(self):
        self.count += 1
        yield Step("loading slowly", 0, 0)
        self.go.wait(600)


def test_a_part_is_loaded_once() -> None:
    own, slow = Preload(), Slow()
    slow.go.set()
    own.begin(slow.steps, needed=True)
    drain(own.wait_steps())
    own.begin(slow.steps, needed=True)
    drain(own.wait_steps())
    assert slow.count == 1


def test_a_run_waits_for_needed_parts_only() -> None:
    preload, slow, rest = Preload(), Slow(), Slow()
    preload.begin(slow.steps, needed=True)
    preload.begin(rest.steps)
    waiting = preload.wait_steps()
    assert next(waiting).stage == "loading slowly"
    slow.go.set()
    drain(waiting)
    assert (slow.count, rest.count) == (1, 0)


def test_an_error_is_reported_by_the_run_that_needs_the_part() -> None:
    def broken():
        yield Step("loading", 0, 0)
        raise ImportError("libtorch is missing")

    preload = Preload()
    preload.begin(broken, needed=True)
    for _ in range(2):
        with pytest.raises(InputError, match="libtorch is missing"):
            drain(preload.wait_steps())


def test_an_error_of_another_part_is_left_to_the_run() -> None:
    def broken():
        yield Step("loading", 0, 0)
        raise ValueError("damaged")

    preload = Preload()
    preload.begin(broken)
    drain(preload.wait_steps())
    assert preload.error is None


def test_collections_go_on_as_before() -> None:
    drain(preload.wait_steps())  # that of docks opened by other tests
    with quick_collections():
        assert not gc.isenabled() and gc.get_freeze_count()
    assert gc.isenabled() and not gc.get_freeze_count()


def test_the_panel_knows_the_stage_of_planes() -> None:
    assert PLANES == SEPARATE


@pytest.fixture
def slow(monkeypatch):
    """The docks' preload, at work until it is let go."""
    preload, slow = Preload(), Slow()
    preload.begin(slow.steps, needed=True)
    monkeypatch.setattr(segment_dock, "preload", preload)
    monkeypatch.setattr(segment_job, "preload", preload)
    yield slow
    slow.go.set()


def test_run_waits_with_the_bar_and_gives_objects(slow, viewer, dock, until) -> None:
    dock.panel.run.click()
    until(lambda: dock.panel.status.text() == "Loading slowly")
    assert dock.panel.bar.isVisible()
    slow.go.set()
    until(lambda: not dock.runner.busy)
    assert viewer.layers["field nuclei"].data.any()


def test_cancel_ends_the_waiting(slow, viewer, dock, until) -> None:
    dock.panel.run.click()
    until(lambda: dock.panel.status.text() == "Loading slowly")
    worker = dock.runner.worker
    dock.panel.cancel.click()
    assert dock.panel.status.text() == "Cancelled."
    until(lambda: not worker.is_running, 5)  # while the part is still being loaded
    slow.go.set()
    assert [layer.name for layer in viewer.layers] == ["field"]


OPEN = """
import sys, napari
from qtpy.QtCore import QTimer

def open_dock():
    viewer.window.add_plugin_dock_widget("napari-tally", {dock!r})
    QTimer.singleShot({after}, viewer.close)

viewer = napari.Viewer()
QTimer.singleShot(200, open_dock)
napari.run()
print("torch" in sys.modules)
"""


@pytest.mark.parametrize(("dock", "after"), [("Segment", 100), ("Segment", 700), ("Train", 400)])
def test_napari_closed_meanwhile_ends_cleanly(dock: str, after: int) -> None:
    code = textwrap.dedent(OPEN).format(dock=dock, after=after)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Fatal" not in done.stderr


def test_opening_a_dock_imports_neither_torch_nor_matplotlib_by_itself() -> None:
    docks = [f"napari_tally.widgets.{x}.dock" for x in ("segment", "measure", "evaluate", "train")]
    heavy = [
        "torch",
        "monai",
        "matplotlib.figure",
        "scipy.optimize",
        "scipy.spatial",
    ]
    code = (
        f"import sys, napari, {', '.join(docks)}; print([x for x in {heavy} if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"
