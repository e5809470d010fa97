"""Panoptic models: objects and classes agree voxel by voxel, in the labels and in the tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import napari_tally
from napari_tally import load_model
from napari_tally.api.inputs import as_volume
from napari_tally.core.progress import drain
from napari_tally.metrics.match import panoptic_counts
from napari_tally.segmentation.segment import segment_steps, separate_steps
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.simulate.mixed import CellsOnTissue

if TYPE_CHECKING:
    from napari_tally.models.bundle import Model
    from napari_tally.segmentation.result import Result

FIXTURE = Path(__file__).parents[2] / "fixtures" / "cells-on-tissue"
THINGS = (2, 3)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(FIXTURE)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return CellsOnTissue(shape=(256, 224), diameter=14, count=40, seed=77).draw()


@pytest.fixture(scope="module")
def result(model, scene) -> Result:
    return napari_tally.segment(
        scene[0], model, spacing="0.5um", object_size="14px", keep_maps=True
    )


def agree(result: Result) -> bool:
    """Return whether each voxel is of a thing's class exactly where there is an object."""
    classes = result.classes.array
    one_class = [len(np.unique(classes[result.labels == i])) == 1 for i in result.table["label"]]
    return np.array_equal(result.labels > 0, np.isin(classes, THINGS)) and all(one_class)


def test_most_of_a_scene_is_found(result, scene) -> None:
    counts = panoptic_counts((result.labels, result.classes.array), scene[1:], 3)
    assert (counts.pq > 0.5).all()
    assert counts.pq[0] > 0.9


def test_objects_and_classes_agree_voxel_by_voxel(result) -> None:
    assert agree(result)
    assert result.classes.spacing == result.volume.spacing == (0.5, 0.5)


def test_each_object_has_a_class_and_the_share_of_its_vote(result) -> None:
    table = result.table
    assert set(table["class_name"]) == {"round cell", "long cell"}
    assert table["class_confidence"].between(0.5, 1).all()
    assert (table["class_confidence"] > 0.95).mean() > 0.5
    first = result.labels == table["label"][0]
    assert (result.classes.array[first] == table["class"][0]).all()


def test_segments_are_the_objects_and_the_regions_of_stuff(result) -> None:
    segments, stuff = result.segments, result.segments["kind"] == "stuff"
    assert len(segments) == result.count + 1
    assert segments["class_name"][stuff].tolist() == ["tissue"]
    assert segments["label"][stuff].isna().all() and segments["label"][~stuff].notna().all()
    area = (result.classes.array == 1).sum() * 0.25
    assert segments["area_um2"][stuff].item() == pytest.approx(area)
    assert segments["area_um2"].sum() == pytest.approx((result.classes.array > 0).sum() * 0.25)
    assert result.classes_table["kind"].tolist() == ["stuff", "thing", "thing"]


def test_the_summary_has_objects_and_classes(result) -> None:
    assert "tissue" in result.summary and f"{result.count} cells" in result.summary


def test_decoding_again_with_new_parameters_equals_a_new_run(model, scene, result) -> None:
    volume = as_volume(scene[0], None, "0.5um")
    options = result.options.model_copy(update={"threshold": 0.5, "tune": {"tolerance": 0.7}})
    again = drain(separate_steps(volume, model, options, result))
    run = drain(segment_steps(volume, model, options))
    assert agree(again)
    assert np.array_equal(again.labels, run.labels)
    assert np.array_equal(again.classes.array, run.classes.array)
    assert again.segments.equals(run.segments)


def test_resampled_images_agree_too(model, scene) -> None:
    small = scene[0][::2, ::2]
    result = napari_tally.segment(small, model, object_size="7px", min_size="30px2")
    assert result.scale == 2 and result.count > 5
    assert agree(result)
    assert result.table["area_px2"].min() >= 30


def test_block_by_block_gives_the_same(model, scene) -> None:
    options = {"object_size": "14px"}
    whole = napari_tally.segment(scene[0], model, **options)
    parts = napari_tally.segment(scene[0], model, max_maps_gib=1e-4, **options)
    assert agree(parts)
    counts = panoptic_counts(
        (parts.labels, parts.classes.array), (whole.labels, whole.classes.array), 3
    )
    assert (counts.rq > 0.95).all()


@pytest.mark.parametrize("stack", ["auto", "slices", "link"])
def test_slices_of_a_stack_agree_too(model, scene, stack) -> None:
    image = np.stack([scene[0][:96, :96]] * 3)
    result = napari_tally.segment(image, model, axes="ZYX", stack=stack, object_size="14px")
    assert agree(result)
    assert len(np.unique(result.labels[result.labels > 0])) == result.count


def test_frames_have_their_own_ids_and_rows(model, scene) -> None:
    image = np.stack([scene[0][:96, :96], scene[0][-96:, -96:]])
    result = napari_tally.segment(image, model, axes="TYX", object_size="14px")
    assert agree(result)
    assert set(result.segments["t"]) == {0, 1}


def test_an_empty_image_gives_no_rows(model) -> None:
    result = napari_tally.segment(np.zeros((64, 64), np.float32), model)
    assert result.count == 0 and len(result.segments) == 0
    assert not result.classes.array.any()


def test_files_get_a_table_of_segments(model, scene, tmp_path) -> None:
    import tifffile

    from napari_tally.files.expand_inputs import expand
    from napari_tally.segmentation.segment_files import segment_files_steps

    tifffile.imwrite(tmp_path / "a.tif", scene[0])
    options, folder = SegmentOptions(object_size="14px"), tmp_path / "out"
    sources = expand([str(tmp_path / "a.tif")])
    (outcome,) = drain(segment_files_steps(sources, model, options, folder))
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert outcome.status == "done"
    assert names == {
        "a_labels.tif", "a_objects.csv", "a_classes.tif", "a_classes.csv", "a_segments.csv",
        "a_run.json",
    }  # fmt: skip


def test_objects_and_classes_agree_with_tta(model, scene) -> None:
    options = {"object_size": "14px", "tta": True}
    result = napari_tally.segment(scene[0], model, **options)
    counts = panoptic_counts((result.labels, result.classes.array), scene[1:], 3)
    assert agree(result)
    assert (counts.pq > 0.5).all()
    assert result.table["confidence"].between(0, 1).all()
