"""The state of labels: every edit changes it, an undo restores it, and only edits count."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_tally.widgets.layers import layer_state
from napari_tally.widgets.layers.layer_state import are_quick, state_of


def edited(how: str, layer: Labels) -> None:
    if how == "paint":
        layer.paint((3, 3), 5)
    elif how == "fill":
        layer.fill((9, 9), 0)
    elif how == "in place":
        layer.data[0, 0] = 3
    elif how == "replace":
        layer.data = np.roll(layer.data, 1, axis=0)
    elif how == "same bytes in another shape":
        layer.data = layer.data.reshape(10, 40)


@pytest.mark.parametrize(
    "how", ["paint", "fill", "in place", "replace", "same bytes in another shape"]
)
def test_every_edit_changes_the_state(how) -> None:
    layer = Labels(np.pad(np.full((4, 4), 2, np.uint16), 8))
    before = state_of([layer])
    edited(how, layer)
    assert state_of([layer]) != before


def test_an_undo_restores_the_state_and_a_name_does_not_change_it() -> None:
    layer = Labels(np.pad(np.full((4, 4), 2, np.uint16), 8))
    before = state_of([layer])
    layer.fill((9, 9), 0)
    layer.undo()
    layer.name, layer.contour = "other", 2
    assert state_of([layer]) == before


def test_large_and_stored_labels_are_read_part_by_part(monkeypatch) -> None:
    monkeypatch.setattr(layer_state, "_SLAB", 50)
    ids = np.arange(400, dtype=np.uint16).reshape(20, 20)
    parts = state_of([Labels(ids)])
    monkeypatch.undo()
    assert state_of([Labels(ids)]) == parts
    stored = Labels(da.from_array(ids, chunks=5))
    assert not are_quick([stored])
    before = state_of([stored])
    assert state_of([stored]) == before
    stored.data = stored.data + 1
    assert state_of([stored]) != before


def test_an_image_that_is_replaced_changes_the_state() -> None:
    image = Image(np.zeros((4, 4)))
    before = state_of([image])
    image.data = np.zeros((4, 4))
    assert state_of([image]) != before
