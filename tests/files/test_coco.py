"""COCO JSON: polygons and run lengths become label images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_tally.core.errors import FileError, InputError
from napari_tally.files.coco import decompressed, from_runs, read_coco

BLOCK = np.zeros((6, 8), bool)
BLOCK[1:4, 2:6] = True


def _runs(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(np.diff(flat.astype(int)))
    return np.diff([0, *edges, mask.size]).tolist()


def _compressed(runs: list[int]) -> str:
    """Compress as the C code of pycocotools does, character by character."""
    text = ""
    for i, run in enumerate(runs):
        x = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            code, x = x & 31, x >> 5
            more = x != -1 if code & 16 else x != 0
            text += chr(48 + (code | 32 if more else code))
    return text


def _written(folder, *annotations, **image):
    content = {
        "images": [{"id": 7, "file_name": "a.png", "height": 6, "width": 8, **image}],
        "categories": [{"id": 3, "name": "cell"}, {"id": 9, "name": "dust"}],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": 3, **a} for i, a in enumerate(annotations, 1)
        ],
    }
    path = folder / "coco.json"
    path.write_text(json.dumps(content))
    return path


def _only(path):
    (found,) = read_coco(path)
    return found


def test_folders_of_images_are_found_whatever_system_wrote_them(tmp_path) -> None:
    assert _only(_written(tmp_path, file_name=r"train\a.png")).file_name == "train/a.png"


@pytest.mark.parametrize(
    "segmentation",
    [
        [[2, 1, 6, 1, 6, 4, 2, 4]],
        [[2, 1, 4, 1, 4, 4, 2, 4], [4, 1, 6, 1, 6, 4, 4, 4]],
        {"size": [6, 8], "counts": _runs(BLOCK)},
        {"size": [6, 8], "counts": _compressed(_runs(BLOCK))},
    ],
    ids=["polygon", "two polygons", "runs", "compressed"],
)
def test_one_block_in_each_way_to_write_it(tmp_path, segmentation) -> None:
    found = _only(_written(tmp_path, {"segmentation": segmentation}))
    assert np.array_equal(found.objects > 0, BLOCK)
    assert np.array_equal(found.classes, BLOCK)


def test_known_texts_are_decompressed() -> None:
    assert decompressed("04") == [0, 4]  # a mask of 2 x 2, all of it


def test_any_mask_comes_back_from_its_compressed_runs() -> None:
    rng = np.random.default_rng(0)
    for share in (0.02, 0.5, 0.98):
        mask = rng.random((40, 70)) < share
        assert np.array_equal(from_runs(decompressed(_compressed(_runs(mask))), (40, 70)), mask)


def test_small_objects_are_in_front_and_classes_are_numbered_from_one(tmp_path) -> None:
    small = {"segmentation": [[3, 2, 5, 2, 5, 3, 3, 3]], "category_id": 9}
    found = _only(_written(tmp_path, small, {"segmentation": [[2, 1, 6, 1, 6, 4, 2, 4]]}))
    assert np.bincount(found.objects.ravel()).tolist() == [36, 10, 2]
    assert set(found.classes[found.objects == 2]) == {2}


def test_crowds_are_not_known(tmp_path) -> None:
    crowd = {"segmentation": {"size": [6, 8], "counts": _runs(BLOCK)}, "iscrowd": 1}
    found = _only(_written(tmp_path, crowd))
    assert np.array_equal(found.known, ~BLOCK)
    assert not found.objects.any()


def test_files_that_are_not_coco_are_refused(tmp_path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError, match="annotations and categories"):
        read_coco(tmp_path / "a.json")
    with pytest.raises(FileError, match="cannot be read"):
        read_coco(tmp_path / "b.json")
    with pytest.raises(InputError, match="Run lengths cover"):
        _only(_written(tmp_path, {"segmentation": {"size": [6, 8], "counts": [3, 4]}}))
