"""The table of a result after its labels were edited, in a real viewer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_tally.widgets.layers import live_table
from napari_tally.widgets.layers.features import OUTDATED


@pytest.fixture
def found(viewer, dock, finish):
    """Return the layer of a result."""
    finish(dock)
    return viewer.layers["field nuclei"]


def proofread(layer) -> set[int]:
    """Delete two objects, paint a new one, and return the ids that are left."""
    for label in (1, 2):
        y, x = np.argwhere(layer.data == label)[0]
        layer.fill((y, x), 0)
    new = int(layer.data.max()) + 1
    layer.brush_size = 7
    y, x = np.argwhere(layer.data == 0)[-1]
    layer.paint((y - 3, x - 3), new)
    return set(np.unique(layer.data).tolist()) - {0}


def test_the_exported_table_is_that_of_the_painted_labels(viewer, dock, found, tmp_path) -> None:
    before = dock.done.result.count
    ids = proofread(found)
    assert "have changed" in dock.panel.status.text()
    dock.take_away.write(tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv")
    assert set(table["label"]) == ids
    counts = np.bincount(found.data.ravel()) * 0.25
    assert np.allclose(table["area_um2"], counts[table["label"]])
    known = table["confidence"].notna()
    assert known.sum() == before - 2 and not known.iloc[-1]


def test_edits_are_measured_without_being_asked(viewer, dock, found, until) -> None:
    ids = proofread(found)
    until(lambda: "after edits" in dock.panel.status.text())
    assert dock.panel.status.text().startswith(f"{len(ids)} nuclei")
    assert set(found.features["label"].dropna()) == ids
    while found._undo_history:
        found.undo()
    until(lambda: dock.take_away.done.result.count == dock.done.result.count)
    assert found.features["confidence"][1:].notna().all()


def test_edits_that_napari_does_not_announce_are_measured(dock, found, tmp_path, until) -> None:
    found.data[found.data == 3] = 0
    dock.take_away.write(tmp_path / "t.csv")
    assert 3 not in set(pd.read_csv(tmp_path / "t.csv")["label"])
    found.data[found.data == 4] = 0
    found.refresh()
    until(lambda: 4 not in set(found.features["label"]))
    found.data = np.where(found.data == 5, 0, found.data)
    until(lambda: 5 not in set(found.features["label"]))


def test_large_labels_are_marked_and_not_exported(
    dock, found, tmp_path, until, monkeypatch
) -> None:
    monkeypatch.setattr(live_table, "are_quick", lambda _layers: False)
    ids = proofread(found)
    dock.take_away.write(tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
    assert found.features[OUTDATED].all()
    assert not dock.take_away.refresh.isHidden()
    dock.take_away.refresh.click()
    until(lambda: not dock.live.problem)
    assert OUTDATED not in found.features
    dock.take_away.write(tmp_path / "t.csv")
    assert set(pd.read_csv(tmp_path / "t.csv")["label"]) == ids


def test_an_undo_restores_a_table_that_was_out_of_date(dock, found, until, monkeypatch) -> None:
    monkeypatch.setattr(live_table, "are_quick", lambda _layers: False)
    before = dock.panel.status.text()
    found.fill(tuple(np.argwhere(found.data == 1)[0]), 0)
    assert "Press Update" in dock.panel.status.text()
    found.undo()
    until(lambda: not dock.live.problem)
    assert dock.panel.status.text() == before
    assert OUTDATED not in found.features


def test_an_edited_layer_keeps_its_own_table_beside_a_new_result(
    viewer, dock, found, finish, until, tmp_path
) -> None:
    proofread(found)
    finish(dock)
    new = dock.result.layer
    assert new is not found and "is kept" in dock.panel.status.text()
    found.fill(tuple(np.argwhere(found.data == 5)[0]), 0)
    until(lambda: 5 not in set(found.features["label"]))
    assert 5 in set(new.features["label"])
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t.csv")) == dock.done.result.count
    viewer.layers.remove(found)
    viewer.layers.remove(new)
    assert not [live.layers for live in live_table._kept]


def test_an_id_too_large_for_a_table_is_refused_in_a_sentence(dock, found, until, tmp_path) -> None:
    found.data = found.data.astype(np.int32)
    found.data[0, 0] = 2**30
    found.refresh()
    until(lambda: "1,073,741,824" in dock.panel.status.text())
    dock.take_away.write(tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
    found.data[0, 0] = 0
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t.csv")) == dock.done.result.count


def test_another_voxel_size_is_not_measured_with_the_old_one(
    viewer, dock, found, until, tmp_path
) -> None:
    found.scale = (1, 1)
    until(lambda: bool(dock.live.problem))
    dock.take_away.refresh.click()
    until(lambda: "voxel size of field nuclei was changed" in dock.panel.status.text())
    dock.take_away.write(tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists() and found.features[OUTDATED].all()
    found.scale = (0.5, 0.5)
    until(lambda: not dock.live.problem)
    viewer.layers["field"].scale = (1, 1)
    assert dock.form.spacing.value == "1,1um"
