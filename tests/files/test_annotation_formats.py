"""COCO, COCO panoptic, Pascal VOC and Cityscapes: what is written comes back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from raw_outputs import discs

from napari_tally.core.errors import FileError, InputError
from napari_tally.files import read
from napari_tally.files.cityscapes import read_cityscapes, write_cityscapes
from napari_tally.files.coco import read_coco
from napari_tally.files.coco_mask import mask_of
from napari_tally.files.coco_panoptic import read_coco_panoptic, write_coco_panoptic
from napari_tally.files.coco_write import write_coco
from napari_tally.files.formats.voc_palette import voc_palette
from napari_tally.files.match_images_to_labels import paired
from napari_tally.files.object_image import ObjectImage
from napari_tally.files.voc import read_voc, write_voc, write_voc_pair
from napari_tally.mask_sets.mask_set import MaskSet
from napari_tally.mask_sets.patch import Patch
from napari_tally.mask_sets.resolve import resolve

SHAPE = (50, 70)
CATEGORIES = ("cell", "dust")


def overlapping() -> tuple[ObjectImage, np.ndarray]:
    """Return an image of objects that overlap, and their masks in the order of the ids."""
    masks = discs(SHAPE, [(20, 20), (20, 30), (35, 50), (10, 60)], 9)
    patches = [Patch(0, 0, m) for m in masks]
    scores, classes = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 2, 1, 2])
    found = resolve(MaskSet.of_patches(SHAPE, patches, scores, classes))
    image = ObjectImage(
        "a.tif", found.labels, np.array([0, *classes]),
        scores=np.array([np.nan, *scores]), full=found.full,
    )  # fmt: skip
    return image, masks


def test_coco_json_comes_back_with_overlaps_scores_and_classes(tmp_path) -> None:
    image, masks = overlapping()
    write_coco([image], CATEGORIES, tmp_path / "a.json")
    coco = read_coco(tmp_path / "a.json")
    (found,) = coco
    assert coco.categories == CATEGORIES
    assert np.array_equal(found.objects, image.labels)
    assert np.array_equal(found.classes, image.class_image())
    assert np.allclose(found.scores[1:], image.scores[1:])
    assert found.full.labels.tolist() == image.full.labels.tolist() == [2]
    full = found.full.find(2)
    assert np.array_equal(full.mask(), masks[1][full.box])
    assert full.area == masks[1].sum()


def test_each_object_of_a_coco_json_is_whole(tmp_path) -> None:
    image, masks = overlapping()
    write_coco([image], CATEGORIES, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert [a["score"] for a in content["annotations"]] == [0.9, 0.8, 0.7, 0.6]
    for annotation, mask in zip(content["annotations"], masks, strict=True):
        assert np.array_equal(mask_of(annotation["segmentation"], SHAPE), mask)
        assert annotation["area"] == mask.sum()
        x, y, width, height = annotation["bbox"]
        assert mask[y : y + height, x : x + width].sum() == mask.sum()


def test_boxes_alone_are_written_without_segmentation(tmp_path) -> None:
    boxes = np.array([[1.5, 2, 11, 20], [3, 4, 5, 6]])
    image = ObjectImage(
        "a.tif", np.zeros(SHAPE, int), np.array([0, 1, 3]),
        scores=np.array([0, 0.5, 0.4]), boxes=boxes,
    )  # fmt: skip
    write_coco([image], CATEGORIES, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert [a["bbox"] for a in content["annotations"]] == [[2, 1.5, 18, 9.5], [4, 3, 2, 2]]
    assert "segmentation" not in content["annotations"][0]
    assert content["categories"][2] == {"id": 3, "name": "class 3"}
    (found,) = read_coco(tmp_path / "a.json")
    assert found.boxes == 2


def test_an_image_without_objects_is_kept(tmp_path) -> None:
    image = ObjectImage("a.tif", np.zeros(SHAPE, int), np.zeros(1, int))
    write_coco([image], CATEGORIES, tmp_path / "a.json")
    (found,) = read_coco(tmp_path / "a.json")
    assert not found.objects.any()
    assert found.known.all()


def panoptic_image() -> ObjectImage:
    image, _ = overlapping()
    classes = image.class_image().copy()
    classes[(image.labels == 0) & (np.indices(SHAPE)[0] > 25)] = 3
    return ObjectImage("b.tif", image.labels, image.class_of, classes)


def test_coco_panoptic_comes_back(tmp_path) -> None:
    image, stuff = panoptic_image(), (False, False, True)
    names = (*CATEGORIES, "tissue")
    write_coco_panoptic([image], names, tmp_path / "p.json", stuff)
    (found,), categories, kinds = read_coco_panoptic(tmp_path / "p.json")
    assert (categories, kinds) == (names, stuff)
    assert np.array_equal(found.labels, image.labels)
    assert np.array_equal(found.classes, image.classes)
    assert found.class_of.tolist() == image.class_of.tolist()
    infos = json.loads((tmp_path / "p.json").read_text())["annotations"][0]["segments_info"]
    assert sum(s["area"] for s in infos) == (image.classes > 0).sum()
    assert [s["category_id"] for s in infos] == [1, 2, 1, 2, 3]


def test_crowds_of_coco_panoptic_are_unknown_and_missing_segments_refused(tmp_path) -> None:
    path = tmp_path / "p.json"
    write_coco_panoptic([panoptic_image()], (*CATEGORIES, "tissue"), path)
    content = json.loads(path.read_text())
    infos = content["annotations"][0]["segments_info"]
    infos[0]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    (found,), _, _ = read_coco_panoptic(path)
    assert (~found.known).sum() == infos[0]["area"]
    del infos[1]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="segment 2"):
        read_coco_panoptic(path)
    (tmp_path / "p" / "b.png").unlink()
    with pytest.raises(FileError, match=r"b\.png"):
        read_coco_panoptic(path)
    path.write_text('{"images": 3}')
    with pytest.raises(InputError, match="not a COCO panoptic JSON"):
        read_coco_panoptic(path)


def test_the_palette_of_pascal_voc() -> None:
    palette = voc_palette().tolist()
    known = {
        0: [0, 0, 0],
        1: [128, 0, 0],
        2: [0, 128, 0],
        15: [192, 128, 128],
        255: [224, 224, 192],
    }
    assert all(palette[i] == colour for i, colour in known.items())


def test_pascal_voc_comes_back_with_void(tmp_path, caplog) -> None:
    image, _ = overlapping()
    known = np.ones(SHAPE, bool)
    known[:, -3:] = False
    own = ObjectImage("a.tif", image.labels, image.class_of, known=known)
    paths = tmp_path / "a_class.png", tmp_path / "a_object.png"
    write_voc_pair(own, *paths)
    for path, ids in zip(paths, (image.class_image(), image.labels), strict=True):
        found, where = read_voc(path)
        assert np.array_equal(found, np.where(known, ids, 0))
        assert np.array_equal(where, known)
        assert np.array_equal(read(path, labels=True).array, found)
    assert "void of Pascal VOC" in caplog.text
    colours = np.asarray(read(paths[0]).array)
    assert colours[20, 20].tolist() == [128, 0, 0]


def test_pascal_voc_refuses_what_it_cannot_hold(tmp_path) -> None:
    with pytest.raises(InputError, match="id 255"):
        write_voc(np.array([[255]]), tmp_path / "a.png")
    with pytest.raises(InputError, match="2D"):
        write_voc(np.zeros((2, 3, 4), int), tmp_path / "a.png")


def test_cityscapes_comes_back(tmp_path) -> None:
    image = panoptic_image()
    paths = write_cityscapes(image, tmp_path / "b_leftImg8bit.png")
    assert [p.name for p in paths] == ["b_instanceIds.png", "b_labelIds.png"]
    stored = np.asarray(read(paths[0]).array)
    assert sorted(np.unique(stored)) == [0, 3, 1000, 1001, 2000, 2001]
    found = read_cityscapes(paths[0])
    assert np.array_equal(found.classes, image.classes)
    assert np.array_equal(found.labels > 0, image.labels > 0)
    pairs = np.unique(np.stack([found.labels, image.labels]).reshape(2, -1), axis=1)
    assert pairs.shape[1] == image.labels.max() + 1  # one to one
    assert np.array_equal(read(paths[0], labels=True).array, found.labels)


def test_cityscapes_refuses_what_it_cannot_hold(tmp_path) -> None:
    with pytest.raises(InputError, match="1,000 objects"):
        labels = np.arange(1200).reshape(30, 40)
        write_cityscapes(ObjectImage("a", labels, np.ones(1200, int)), tmp_path / "a.png")
    with pytest.raises(InputError, match="class ids up to 64"):
        write_cityscapes(ObjectImage("a", np.ones((2, 2), int), np.array([0, 65])), tmp_path / "a")


def test_labels_of_cityscapes_are_matched_with_their_images(tmp_path) -> None:
    for end in ("leftImg8bit.png", "gtFine_instanceIds.png", "gtFine_labelIds.png"):
        (tmp_path / f"aachen_000000_000019_{end}").touch()
    image = tmp_path / "aachen_000000_000019_leftImg8bit.png"
    pairs, _ = paired(image, tmp_path)
    assert [(a.name, b.name) for a, b in pairs] == [
        (image.name, "aachen_000000_000019_gtFine_instanceIds.png")
    ]
