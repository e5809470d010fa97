"""Mask sets become a result: unique ids, score, class, visible area, full masks, boxes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from raw_outputs import discs
from typer.testing import CliRunner

import napari_tally
from napari_tally import Volume
from napari_tally.cli.app import app
from napari_tally.core.errors import FileError, InputError
from napari_tally.core.progress import drain
from napari_tally.features.declare.options import Measurements
from napari_tally.files import write
from napari_tally.files.coco import read_coco
from napari_tally.mask_sets.mask_set import MaskSet
from napari_tally.mask_sets.patch import Patch
from napari_tally.measurement.measure_full_masks import measure_full_masks, read_full_masks
from napari_tally.segmentation.annotations import write_annotations
from napari_tally.segmentation.collect.mask_collector import MaskCollector
from napari_tally.segmentation.mask_result import mask_result_steps
from napari_tally.segmentation.setup.options import SegmentOptions

SHAPE = (60, 80)
MASKS = discs(SHAPE, [(30, 25), (30, 41), (15, 65)], 12)
MODEL = {"name": "m", "version": "1", "sha256": "0"}


def objects(masks=MASKS, scores=(0.9, 0.8, 0.7), classes=(1, 2, 1)) -> MaskSet:
    patches = [Patch(0, 0, m) for m in masks]
    return MaskSet.of_patches(SHAPE, patches, np.array(scores), np.array(classes), ("a", "b"))


def image(axes: str = "YX", lead: tuple[int, ...] = (), **kwargs) -> Volume:
    rng = np.random.default_rng(0)
    return Volume(rng.integers(0, 255, (*lead, *SHAPE)).astype(np.uint8), axes, **kwargs)


def result(volume: Volume, planes: list[MaskSet], stuff=None, full_masks=False, **kwargs):
    collector = MaskCollector(volume, **kwargs)
    shape = volume.shape[:-2]
    for index, found in zip(np.ndindex(*shape), planes, strict=True):
        collector.add(index, found, stuff)
    found = collector.collected()
    steps = mask_result_steps(found, volume, SegmentOptions(), MODEL, full_masks=full_masks)
    return drain(steps)


def test_the_table_has_score_class_and_visible_area() -> None:
    volume = image(spacing=(0.5, 0.5), unit="um")
    found = result(volume, [objects()])
    table = found.table
    assert table["label"].tolist() == [1, 2, 3]
    assert table["score"].tolist() == [0.9, 0.8, 0.7]
    assert table["class"].tolist() == [1, 2, 1]
    assert table["class_name"].tolist() == ["a", "b", "a"]
    visible = [(found.labels == i).sum() / 4 for i in (1, 2, 3)]
    assert table["visible_area_um2"].tolist() == visible
    assert table["area_um2"].tolist() == visible
    assert found.full_masks.labels.tolist() == [2]
    assert found.labels.dtype == np.uint16
    assert "3 objects" in found.summary


def test_measuring_takes_full_masks_when_asked() -> None:
    volume = image()
    full = result(volume, [objects()], full_masks=True).table
    pixels = np.asarray(volume.array)
    assert full["area_px2"].tolist() == [m.sum() for m in MASKS]
    assert np.allclose(full["intensity_mean"], [pixels[m].mean() for m in MASKS])
    assert full["visible_area_px2"][1] < full["area_px2"][1]


def test_what_depends_on_others_is_measured_in_the_label_image() -> None:
    found = result(image(), [objects()])
    options = Measurements(groups=("size", "place", "neighbours"))
    table = measure_full_masks(found.volume, found.full_masks, (), options)
    assert table["area_px2"].tolist() == [m.sum() for m in MASKS]
    plain = measure_full_masks(found.volume, type(found.full_masks)(), (), options)
    assert list(table) == list(plain)
    last = list(plain)[-1]
    assert table[last].equals(plain[last])


def test_ids_are_unique_over_planes() -> None:
    volume = image("TYX", (3,))
    found = result(volume, [objects()] * 3)
    assert found.table["label"].tolist() == list(range(1, 10))
    assert found.table["t"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    for t in range(3):
        assert set(np.unique(found.labels[t])) == {0, *range(3 * t + 1, 3 * t + 4)}
    assert [(m.label, m.plane) for m in found.full_masks] == [(2, (0,)), (5, (1,)), (8, (2,))]
    full = result(volume, [objects()] * 3, full_masks=True).table
    assert full["area_px2"].tolist() == [m.sum() for m in MASKS] * 3


def test_slices_are_linked_to_objects_in_3d() -> None:
    volume = image("ZYX", (4,), spacing=(2, 1, 1), unit="um")
    planes = [objects()] * 3 + [objects(MASKS[:2], (0.5, 0.4), (2, 2))]
    found = result(volume, planes, link=True)
    table = found.table
    assert len(table) == 3
    volumes = {m.sum() * 2 * n for m, n in zip(MASKS, (4, 4, 3), strict=True)}
    full = result(volume, planes, link=True, full_masks=True).table
    assert set(full["volume_um3"]) == volumes
    first = table.loc[table["label"] == found.labels[0, 30, 20]].iloc[0]
    assert first["score"] == pytest.approx(0.8)  # 0.9 in three slices, 0.5 in one
    assert first["class"] == 1
    assert table["visible_volume_um3"].sum() == (found.labels > 0).sum() * 2


def test_stuff_is_behind_things() -> None:
    stuff = np.full(SHAPE, 3)
    found = result(
        image(), [objects()], stuff, class_names=("a", "b", "ground"), stuff_classes=(3,)
    )
    assert found.classes_table["kind"].tolist() == ["thing", "thing", "stuff"]
    assert (np.asarray(found.classes.array)[found.labels == 0] == 3).all()
    assert found.segments["kind"].tolist() == ["thing"] * 3 + ["stuff"]


def test_classes_without_names_are_numbered() -> None:
    bare = objects()
    unnamed = MaskSet(SHAPE, bare.scores, bare.classes, bare.boxes, bare.masks)
    assert result(image(), [unnamed]).table["class_name"].tolist() == [
        "class 1", "class 2", "class 1",
    ]  # fmt: skip


@pytest.mark.parametrize("full_masks", [False, True])
def test_no_objects_are_an_empty_table(full_masks) -> None:
    found = result(image(), [MaskSet.empty(SHAPE)], full_masks=full_masks)
    assert len(found.table) == 0
    assert {"score", "class", "visible_area_px2"} <= set(found.table)
    assert found.summary == "0 objects"


def test_boxes_alone_are_a_table_and_no_labels() -> None:
    given = objects()
    boxes = MaskSet(SHAPE, given.scores, given.classes, given.boxes, None, ("a", "b"))
    found = result(image("TYX", (2,), spacing=(0.5, 0.5), unit="um"), [boxes] * 2)
    assert not found.labels.any()
    assert not found.separated
    assert found.table["t"].tolist() == [0] * 3 + [1] * 3
    assert np.array_equal(found.boxes[:3], given.boxes)
    row = found.table.iloc[0]
    assert (row["width_y_um"], row["bbox_y_min_px"]) == (12, 18)


def test_a_result_is_written_as_coco_and_measured_in_full_again(tmp_path) -> None:
    volume = image("TYX", (2,), name="a.tif")
    found = result(volume, [objects()] * 2)
    write_annotations(found, tmp_path / "a_coco.json")
    write(found.volume, tmp_path / "a_labels.tif")
    again = list(read_coco(tmp_path / "a_coco.json"))
    assert [i.file_name for i in again] == ["a.tif#t=0", "a.tif#t=1"]
    assert np.array_equal(again[0].objects, found.labels[0])
    full = read_full_masks(tmp_path / "a_labels.tif", found.volume)
    table = measure_full_masks(found.volume, full)
    assert table["area_px2"].tolist() == [m.sum() for m in MASKS] * 2


@pytest.mark.parametrize("kind", ["coco", "panoptic", "voc", "cityscapes"])
def test_a_result_is_written_in_each_format(tmp_path, kind) -> None:
    stuff = np.full(SHAPE, 3)
    names = ("a", "b", "ground")
    found = result(image(), [objects()], stuff, class_names=names, stuff_classes=(3,))
    write_annotations(found, tmp_path / "a.json", kind, "a.png")
    written = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert (
        written
        == {
            "coco": {"a.json"},
            "panoptic": {"a.json", "a.png"},
            "voc": {"a_class.png", "a_object.png"},
            "cityscapes": {"a_instanceIds.png", "a_labelIds.png"},
        }[kind]
    )
    if kind in ("coco", "panoptic"):
        content = json.loads((tmp_path / "a.json").read_text())
        assert [c["name"] for c in content["categories"]] == list(names)


def test_full_masks_are_measured_from_files_and_in_python(tmp_path) -> None:
    found = result(image(name="a.tif"), [objects()])
    write_annotations(found, tmp_path / "a_coco.json")
    path = tmp_path / "a_labels.tif"
    write(found.volume, path)
    whole = [m.sum() for m in MASKS]
    args = ["measure", str(path), "--full-masks", "-o", str(tmp_path / "t.csv")]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    assert pd.read_csv(tmp_path / "t.csv")["area_px2"].tolist() == whole
    assert napari_tally.measure(path, full_masks=True)["area_px2"].tolist() == whole
    arrays = napari_tally.measure(found.labels, full_masks=found.full_masks)
    assert arrays["area_px2"].tolist() == whole
    (tmp_path / "a_coco.json").unlink()
    with pytest.raises(FileError, match=r"a_objects\.json and a_coco\.json are missing"):
        napari_tally.measure(path, full_masks=True)
    with pytest.raises(InputError, match=r"result\.full_masks"):
        napari_tally.measure(found.labels, full_masks=True)
