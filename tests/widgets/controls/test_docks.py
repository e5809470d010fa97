"""The docks beside each other in a real viewer, opened through the manifest."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QDockWidget, QMainWindow


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


def _open(viewer, name: str) -> QDockWidget:
    part = viewer.window.add_plugin_dock_widget("napari-tally", name)[0]
    assert isinstance(part, QDockWidget)
    return part


def _tabs_of(part: QDockWidget) -> list[QDockWidget]:
    window = part.window()
    assert isinstance(window, QMainWindow)
    return window.tabifiedDockWidgets(part)


def test_docks_of_one_side_are_tabs_and_the_newest_is_in_front(viewer, until) -> None:
    segment = _open(viewer, "Segment")
    measure = _open(viewer, "Measure")
    train = _open(viewer, "Train")
    until(lambda: set(_tabs_of(train)) == {segment, measure})
    until(lambda: not train.visibleRegion().isEmpty())
    assert segment.visibleRegion().isEmpty()


def test_a_dock_stays_where_it_was_put_and_floating_ones_are_left_alone(viewer, until) -> None:
    segment = _open(viewer, "Segment")
    segment.setFloating(True)
    measure = _open(viewer, "Measure")
    until(lambda: not measure.visibleRegion().isEmpty())
    assert not _tabs_of(measure)
    segment.setFloating(False)
    until(lambda: not segment.visibleRegion().isEmpty())
    assert not _tabs_of(measure)  # put there by hand
