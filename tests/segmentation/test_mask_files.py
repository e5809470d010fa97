"""Models that return masks or boxes on files: outputs, records, evaluation, batches."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from fields import nuclei
from mask_models import CLASSES, box_model, panoptic_model, true_model
from raw_outputs import Truth, discs

from napari_tally import Volume, read
from napari_tally.files import write
from napari_tally.files.coco import read_coco


def field(seed: int = 3) -> np.ndarray:
    return nuclei((160, 200), diameter=14, seed=seed)[1]


def save(path, labels) -> None:
    write(Volume(np.where(labels > 0, 200, 20).astype(np.uint8), "YX", (0.5, 0.5), "um"), path)


def test_the_command_writes_labels_table_annotations_and_record(run, tmp_path) -> None:
    masks = discs((120, 160), [(60, 50), (60, 50 + 0.97 * 20), (60, 120)], 20)
    save(tmp_path / "a.tif", masks.any(axis=0))
    true_model(tmp_path / "m", "prototypes v8", Truth(masks, zoom=4))
    code, out, err = run("segment", "a.tif", "--model", "m", "-o", "out")
    assert code == 0, err
    assert "3 objects" in out + err
    table = pd.read_csv(tmp_path / "out" / "a_objects.csv")
    assert {"score", "class", "class_name", "visible_area_um2"} <= set(table)
    assert np.asarray(read(tmp_path / "out" / "a_labels.tif").array).max() == 3
    coco = json.loads((tmp_path / "out" / "a_objects.json").read_text())
    assert [c["name"] for c in coco["categories"]] == list(CLASSES)
    areas = [a["area"] for a in coco["annotations"]]
    assert np.allclose(areas, masks[0].sum(), rtol=0.05)  # in full where they overlap
    record = json.loads((tmp_path / "out" / "a_run.json").read_text())
    assert record["model"]["licence"] == "MIT"
    assert record["model"]["source"]["format"] == "ONNX"
    code, out, err = run("segment", "a.tif", "--model", "m", "-o", "out")
    assert code == 0
    assert "already done" in out + err
    read_coco(tmp_path / "out" / "a_objects.json")
    code, _, err = run("measure", "out", "--full-masks", "-o", "measured")
    assert code == 0, err
    tables = [pd.read_csv(path) for path in sorted((tmp_path / "measured").glob("*.csv"))]
    measured = next(table for table in tables if "area_um2" in table and len(table) == 3)
    assert np.allclose(measured["area_um2"], masks[0].sum() / 4, rtol=0.05)


def test_boxes_are_written_without_labels(run, tmp_path) -> None:
    labels = field()
    save(tmp_path / "a.tif", labels)
    box_model(tmp_path / "m", Truth.of_labels(labels, zoom=4))
    code, _, err = run("segment", "a.tif", "--model", "m", "-o", "out")
    assert code == 0, err
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["a_objects.csv", "a_objects.json", "a_run.json"]
    coco = json.loads((tmp_path / "out" / "a_objects.json").read_text())
    assert len(coco["annotations"]) == labels.max()
    code, out, err = run("segment", "a.tif", "--model", "m", "-o", "out")
    assert "already done" in out + err


def test_regions_are_written_as_classes(run, tmp_path) -> None:
    labels = field()
    regions = np.ones(labels.shape, int)
    save(tmp_path / "a.tif", labels)
    panoptic_model(tmp_path / "m", Truth.of_labels(labels, zoom=4), regions)
    code, _, err = run("segment", "a.tif", "--model", "m", "-o", "out")
    assert code == 0, err
    classes = np.asarray(read(tmp_path / "out" / "a_classes.tif").array)
    assert set(np.unique(classes)) == {1, 3}
    segments = pd.read_csv(tmp_path / "out" / "a_segments.csv")
    assert (segments["kind"] == "stuff").sum() == 1
    save(tmp_path / "empty.tif", np.zeros((50, 60)))
    for _ in range(2):
        code, out, err = run("segment", "empty.tif", "--model", "m", "-o", "out")
        assert code == 0, err
    assert "already done" in out + err


def test_a_batch_and_its_evaluation(run, tmp_path) -> None:
    labels = field()
    for name in "abc":
        save(tmp_path / "images" / f"{name}.tif", labels)
        write(Volume(labels.astype(np.uint16), "YX"), tmp_path / "truth" / f"{name}.tif")
    true_model(tmp_path / "m", "queries", Truth.of_labels(labels, zoom=4))
    code, _, err = run("segment", "images", "--model", "m", "-o", "out")
    assert code == 0, err
    code, out, err = run("evaluate", "out", "--ground-truth", "truth", "-o", "report")
    assert code == 0, err
    assert "1.000" in out + err or "AP 1" in out + err
