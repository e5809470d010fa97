"""A panoptic model in the Segment dock: two layers that agree, and tables of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_tally.simulate.mixed import CellsOnTissue
from napari_tally.widgets.controls.settings import remembered

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def dock(make_napari_viewer) -> Iterator:
    remembered().model_folder = str(FIXTURES)
    viewer = make_napari_viewer(show=True)
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    image = CellsOnTissue(shape=(160, 180), seed=5, count=30).draw()[0]
    viewer.add_image(image, name="scene", scale=(0.5, 0.5), units="um")
    dock.form.model.value = str(FIXTURES / "cells-on-tissue")
    yield dock
    remembered().model_folder = ""


def test_both_layers_agree_before_and_after_tuning(dock, finish, until, tmp_path) -> None:
    finish(dock)
    classes, cells = (dock.viewer.layers[f"scene {n}"] for n in ("cells-on-tissue", "cells"))
    assert cells.data.max() == dock.done.result.count > 3
    assert np.array_equal(cells.data > 0, classes.data >= 2)
    assert set(cells.features["class_name"][1:]) <= {"round cell", "long cell"}
    assert not dock.tune.separate.native.isVisibleTo(dock.tune)
    before = dock.done
    dock.tune.sliders["threshold"].value = 0.4
    until(lambda: dock.done is not before)
    assert np.array_equal(cells.data > 0, classes.data >= 2)
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t_segments.csv")) == dock.done.result.count + 1
    assert len(pd.read_csv(tmp_path / "t_classes.csv")) == 3
