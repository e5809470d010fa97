"""A Segment dock in a real viewer, opened through the manifest."""

from __future__ import annotations

import time

import pytest
from fields import nuclei

from napari_tally.widgets.controls.settings import remembered
from napari_tally.widgets.segment import job


@pytest.fixture(autouse=True)
def _as_new() -> None:
    """Each test begins with the settings of a new user."""
    for name, field in type(remembered()).model_fields.items():
        setattr(remembered(), name, field.default)


@pytest.fixture(scope="session")
def _warm() -> None:
    job.loaded("nuclei-2d")


@pytest.fixture
def viewer(make_napari_viewer, _warm):
    """A viewer with one calibrated image of nuclei."""
    viewer = make_napari_viewer(show=True)
    image = nuclei((160, 200))[0]
    viewer.add_image(
        image, name="field", scale=(0.5, 0.5), translate=(10, 20), units=("um", "um"),
        axis_labels=("y", "x"),
    )  # fmt: skip
    return viewer


@pytest.fixture
def dock(viewer):
    """The Segment dock of that viewer."""
    return viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]


@pytest.fixture
def until(qtbot):
    """Wait, with a living window, until something holds."""

    def wait(condition, seconds: float = 60) -> None:
        qtbot.waitUntil(condition, timeout=int(seconds * 1000))

    return wait


@pytest.fixture
def finish(until):
    """Press Run and wait for the end."""

    def run(dock) -> None:
        dock.panel.run.click()
        until(lambda: not dock.runner.busy)
        time.sleep(0.01)

    return run
