"""Outlines of objects, filled again, are the pixels that were traced."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import roifile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scenes import touching
from skimage.draw import polygon2mask

from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.files import outlines as module
from napari_tally.files.contours import outlines
from napari_tally.files.outlines import write_outlines

SPECKLED = arrays(np.int64, (9, 11), elements=st.sampled_from([0, 0, 1, 1, 1, 2, 2**31]))
FLAT = touching(st.sampled_from([(24, 31), (40, 40)]))


def filled(rings: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return the pixels whose centres an odd number of rings surrounds."""
    mask = np.zeros(shape, bool)
    for ring in rings:
        mask ^= polygon2mask(shape, np.asarray(ring, float)[:, ::-1] - 0.5)
    return mask


def ring_and_pieces() -> np.ndarray:
    """Return a square with a hole in which another object lies, and one of two pieces."""
    labels = np.zeros((20, 24), np.uint16)
    labels[2:10, 2:10] = 1
    labels[4:8, 4:8] = 0
    labels[5:7, 5:7] = 2
    labels[12:16, 3:6], labels[16:18, 6:9] = 3, 3
    labels[0, 23] = 9
    return labels


@settings(max_examples=60, deadline=None)
@given(labels=st.one_of(SPECKLED, FLAT))
def test_outlines_filled_again_are_the_objects(labels: np.ndarray) -> None:
    found = outlines(labels)
    assert [o.label for o in found] == sorted(set(labels[labels > 0].tolist()))
    for outline in found:
        np.testing.assert_array_equal(filled(outline.rings, labels.shape), labels == outline.label)


@settings(max_examples=60, deadline=None)
@given(labels=SPECKLED)
def test_no_ring_touches_itself_and_holes_follow_their_outer_ring(labels: np.ndarray) -> None:
    for outline in outlines(labels):
        for ring in outline.rings:
            assert len(np.unique(ring, axis=0)) == len(ring)
        for outer, *holes in outline.polygons:
            surrounded = filled([outer], labels.shape)
            assert (surrounded & (labels == outline.label)).any()
            assert all((filled([hole], labels.shape) <= surrounded).all() for hole in holes)


def test_a_pixel_has_four_corners() -> None:
    (only,) = outlines(np.array([[0, 0], [0, 5]]))
    assert only.label == 5
    assert sorted(only.rings[0].tolist()) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_rois_of_imagej_come_back_as_the_objects(tmp_path: Path) -> None:
    labels = ring_and_pieces()
    write_outlines(Volume(labels, "YX"), tmp_path / "a.zip")
    rois = roifile.roiread(tmp_path / "a.zip")
    assert [roi.name for roi in rois] == ["1", "2", "3", "9"]
    assert [roi.composite for roi in rois] == [True, False, True, False]
    for roi in rois:
        mask = labels == int(roi.name)
        np.testing.assert_array_equal(filled(roi.coordinates(multi=True), labels.shape), mask)
        y, x = np.nonzero(mask)
        box = (roi.left, roi.top, roi.right, roi.bottom)
        assert np.abs(np.subtract(box, (x.min(), y.min(), x.max() + 1, y.max() + 1))).max() <= 1


def test_rois_of_a_stack_know_their_slice(tmp_path: Path) -> None:
    flat = ring_and_pieces()
    write_outlines(Volume(np.stack([flat, flat * 0, flat == 9]), "ZYX"), tmp_path / "a.zip")
    rois = roifile.roiread(tmp_path / "a.zip")
    assert [(r.name, r.position) for r in rois[-2:]] == [("9-z1", 1), ("1-z3", 3)]


def test_qupath_gets_polygons_classes_and_measurements(tmp_path: Path) -> None:
    labels = ring_and_pieces()
    table = pd.DataFrame({"label": [1, 2, 3, 9], "area_px2": [48.0, 4, 18, np.nan]})
    table["class_name"] = ["a", "b", None, "a"]
    write_outlines(Volume(labels, "YX"), tmp_path / "a.geojson", table)
    found = json.loads((tmp_path / "a.geojson").read_text())
    assert found["type"] == "FeatureCollection"
    kinds = [feature["geometry"]["type"] for feature in found["features"]]
    assert kinds == ["Polygon", "Polygon", "MultiPolygon", "Polygon"]
    for feature in found["features"]:
        pieces = feature["geometry"]["coordinates"]
        pieces = pieces if feature["geometry"]["type"] == "MultiPolygon" else [pieces]
        rings = [ring for piece in pieces for ring in piece]
        assert all(ring[0] == ring[-1] for ring in rings)
        label = int(feature["properties"]["name"])
        np.testing.assert_array_equal(filled(rings, labels.shape), labels == label)
    first, *_, last = (feature["properties"] for feature in found["features"])
    assert first == {
        "objectType": "detection",
        "name": "1",
        "classification": {"name": "a"},
        "measurements": {"area_px2": 48},
    }
    assert last["measurements"] == {}


def test_no_objects_are_an_empty_collection(tmp_path: Path) -> None:
    nothing = Volume(np.zeros((4, 5), np.uint8), "YX")
    for name in ("a.geojson", "a.zip"):
        write_outlines(nothing, tmp_path / name)
    assert json.loads((tmp_path / "a.geojson").read_text())["features"] == []
    assert (tmp_path / "a.zip").stat().st_size > 0


def test_labels_without_outlines_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Volume(np.zeros((2, 4, 5), np.uint8), "ZYX", name="a.tif")
    with pytest.raises(InputError, match="QuPath's GeoJSON can only hold YX"):
        write_outlines(stack, tmp_path / "a.geojson")
    with pytest.raises(InputError, match="must be integers"):
        write_outlines(Volume(np.full((4, 5), 0.5), "YX"), tmp_path / "a.geojson")
    with pytest.raises(FileError, match=r"\.zip or \.geojson"):
        write_outlines(stack, tmp_path / "a.svg")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(FileError, match=r"roifile, .*napari-tally\[tables\]"):
        write_outlines(stack, tmp_path / "a.zip")
