"""COCO JSON: polygons and run lengths become label images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_tally.core.errors import FileError, InputError
from napari_tally.files.coco import image_file, read_coco
from napari_tally.files.coco_mask import decompressed, from_runs

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
    with pytest.raises(InputError, match=r"Annotation 1 .* run lengths cover"):
        _only(_written(tmp_path, {"segmentation": {"size": [6, 8], "counts": [3, 4]}}))


RING = [2, 1, 6, 1, 6, 4, 2, 4]


@pytest.mark.parametrize(
    "segmentation",
    [
        RING,
        [[[2, 1], [6, 1], [6, 4], [2, 4]]],
        [[2, 1], [6, 1], [6, 4], [2, 4]],
        [[], RING, [5, 5]],
        {"counts": _runs(BLOCK)},
    ],
    ids=["flat", "points", "one ring of points", "empty rings beside", "runs without size"],
)
def test_one_block_as_tools_write_it(tmp_path, segmentation) -> None:
    found = _only(_written(tmp_path, {"segmentation": segmentation}))
    assert np.array_equal(found.objects > 0, BLOCK)


@pytest.mark.parametrize("more", [{"segmentation": []}, {"segmentation": None}, {}])
def test_a_box_without_outline_is_neither_object_nor_background(tmp_path, more) -> None:
    path = _written(tmp_path, {"bbox": [1.5, 2, 3, 2.2], **more}, {"segmentation": RING})
    found = _only(path)
    unknown = np.zeros((6, 8), bool)
    unknown[2:5, 1:5] = True
    assert np.array_equal(found.known, ~unknown | BLOCK)
    assert found.boxes == 1 and found.objects.max() == 1


def test_an_object_that_is_somewhere_makes_all_of_the_image_unknown(tmp_path) -> None:
    found = _only(_written(tmp_path, {"bbox": [0, 0, 0, 0]}, {"segmentation": RING}))
    assert np.array_equal(found.known, BLOCK)


def test_ids_may_be_texts_or_numbers_and_height_and_width_missing(tmp_path) -> None:
    path = _written(tmp_path, {"segmentation": RING, "image_id": "7", "category_id": "9"}, id=7.0)
    content = json.loads(path.read_text())
    del content["images"][0]["height"]
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    coco = read_coco(path)
    with pytest.raises(InputError, match="no height and width"):
        list(coco)
    found = coco.drawn(coco.images[0], (6, 8))
    assert np.array_equal(found.classes, BLOCK * 2)
    path = _written(tmp_path, height=8, width=6)
    with pytest.raises(InputError, match=r"\(6, 8\), but \(8, 6\)"):
        read_coco(path).drawn(read_coco(path).images[0], (6, 8))


def test_categories_may_be_missing_or_many(tmp_path) -> None:
    path = _written(tmp_path, {"segmentation": RING, "category_id": 299})
    content = json.loads(path.read_text())
    content["categories"] = []
    path.write_text(json.dumps(content))
    assert read_coco(path).categories == ("299",)
    content["categories"] = [{"id": i, "name": f"c{i}"} for i in range(1, 400)]
    path.write_text(json.dumps(content))
    assert read_coco(path).categories == ("c299",)
    assert np.array_equal(_only(path).classes, BLOCK)
    several = [dict(content["annotations"][0], category_id=i) for i in range(1, 300)]
    path.write_text(json.dumps(content | {"annotations": several}))
    assert _only(path).classes.max() == 299


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"segmentation": [[1, 2, 3, 4, 5]]}, "no pairs of x and y"),
        ({"segmentation": [["a", 2, 3, 4]]}, "no numbers"),
        ({"segmentation": [[1, float("nan"), 3, 4, 5, 6]]}, "not finite"),
        ({"segmentation": 5}, "not polygons"),
        ({"segmentation": RING, "category_id": 4}, "category 4 is not listed"),
        ({"segmentation": {"size": [8, 6], "counts": [0, 48]}}, r"size \[8, 6\]"),
        ({"segmentation": {"size": [6, 8]}}, "neither whole numbers"),
        ({"segmentation": {"size": [6, 8], "counts": "\u00fc"}}, "damaged"),
        ({"segmentation": {"size": [6, 8], "counts": [1.5, 46.5]}}, "neither whole numbers"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_annotation(tmp_path, annotation, message) -> None:
    with pytest.raises(InputError, match=f"Annotation 1 cannot be used: .*{message}"):
        _only(_written(tmp_path, annotation))


def test_deep_or_broken_json_is_refused_in_a_sentence(tmp_path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(FileError, match="cannot be read"):
        read_coco(tmp_path / "a.json")
    for text in ("[]", '{"images": [5], "annotations": []}', '{"images": [{"id": 1}]}', "5"):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(InputError, match="not a COCO JSON"):
            read_coco(tmp_path / "a.json")


@pytest.mark.parametrize(
    "name",
    [
        "a b.png",
        "images/a b.png",
        "../upload/4/a b.png",
        "/somewhere/images/a b.png",
        "C:/data/a b.png",
        "http://host/data/a%20b.png?d=1",
        "./a%20b.png",
    ],
)
def test_images_are_found_by_their_bare_name(tmp_path, name) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a b.png").touch()
    assert image_file(tmp_path / "images", name) == tmp_path / "images" / "a b.png"


def test_images_in_folders_keep_them_and_none_is_outside(tmp_path) -> None:
    for name in ("images/train/a.png", "images/a.png", "secret.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    images = tmp_path / "images"
    assert image_file(images, "data/train/a.png") == images / "train" / "a.png"
    assert image_file(images, "test/a.png") == images / "a.png"
    for name in (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "train/../../secret.png",
        "x" * 999,
    ):
        assert image_file(images, name) is None


def test_two_categories_of_one_id_are_refused(tmp_path) -> None:
    path = _written(tmp_path)
    content = json.loads(path.read_text())
    content["categories"].append({"id": "3", "name": "debris"})
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="Two categories have the id 3: cell and debris"):
        read_coco(path)


@pytest.mark.parametrize("segmentation", [None, [], {}, ""])
def test_an_empty_outline_is_a_box(tmp_path, segmentation) -> None:
    found = _only(_written(tmp_path, {"segmentation": segmentation, "bbox": [1, 1, 3, 2]}))
    assert (found.boxes, int((~found.known).sum())) == (1, 6)
