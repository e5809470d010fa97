"""`tally train`: folders in, a model out, and errors as sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_tally import Volume, load_model, write

QUICK = ("--steps", "2", "--batch", "2", "--patch", "16,16", "--augmentation", "none", "--head",
         "boundary", "--device", "cpu", "--kind", "instances")  # fmt: skip
FOLDERS = ("train", "images", "--ground-truth", "labels", "--output", "model")


def _written(count: int = 2, shape=(32, 32), **others) -> None:
    """Write images and their labels into the working folder."""
    labels = np.zeros((32, 32), np.uint8)
    labels[4:12, 4:12], labels[16:26, 10:20] = 1, 2
    for i in range(count):
        image = (labels * 60).astype(np.uint8)
        write(Volume(image, "YX"), Path("images") / f"i{i}.tif")
        write(
            Volume(labels[: shape[0], : shape[1]], "YX", is_labels=True), Path(f"labels/i{i}.tif")
        )


def test_a_model_is_made_of_two_folders(run) -> None:
    _written()
    code, out, err = run(*FOLDERS, *QUICK, "--licence", "CC0-1.0")
    assert code == 0, err
    assert "-> model" in out and "2 steps" in out
    assert "Target: objects in 2D with the head boundary" in err
    assert load_model("model").info.licence == "CC0-1.0"


def test_the_plan_is_shown_without_training(run) -> None:
    _written()
    code, out, _ = run(*FOLDERS, *QUICK, "--workers", "3", "--plan")
    assert code == 0
    assert "2 steps of 2 patches of 16 x 16" in out
    assert "data-loading workers: 3" in out
    assert not Path("model").exists()


@pytest.mark.parametrize("damaged", ["images/i1.tif", "labels/i1.tif"])
def test_a_damaged_file_is_left_out_with_a_sentence(run, damaged) -> None:
    _written(3)
    whole = Path(damaged).read_bytes()
    Path(damaged).write_bytes(whole[: len(whole) // 2])
    code, _, err = run(*FOLDERS, *QUICK, "--plan")
    assert code == 0 and "Skipped i1: " in err and "i1.tif" in err
    code, _, err = run("tune", "images", "--ground-truth", "labels", "--output", "tuned")
    assert "Skipped images/i1.tif: " in err and "Traceback" not in err
    for number in (0, 2):
        Path(damaged).with_name(f"i{number}.tif").write_bytes(whole[:50])
    code, _, err = run(*FOLDERS, *QUICK, "--plan")
    assert (code == 1 and "is truncated" in err) or "damaged" in err


def test_a_coco_file_gives_labels_and_names(run) -> None:
    _written(1)
    square = [[4, 4, 12, 4, 12, 12, 4, 12]]
    content = {
        "images": [{"id": 1, "file_name": "i0.tif", "height": 32, "width": 32}],
        "categories": [{"id": 5, "name": "cell"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "segmentation": square}],
    }
    Path("coco.json").write_text(json.dumps(content))
    args = ("train", "images", "--ground-truth", "coco.json", "--output", "model")
    code, _, err = run(*args, *QUICK[:-2], "--kind", "classes")
    assert code == 0, err
    assert load_model("model").info.head.classes == ("cell",)


def _unmatched_files() -> None:
    _written()
    Path("images/i1.tif").rename("images/other.tif")


def _empty() -> None:
    for name in ("images", "labels"):
        Path(name).mkdir()


def _no_pairs() -> None:
    _written(1)
    Path("labels/i0.tif").rename("labels/b.tif")


def _background() -> None:
    _written(1)
    write(Volume(np.zeros((32, 32), np.uint8), "YX", is_labels=True), "labels/i0.tif")


def _exists() -> None:
    _written(1)
    Path("model").mkdir()


@pytest.mark.parametrize(
    ("made", "code", "message"),
    [
        (_unmatched_files, 0, "Skipped 2 unmatched files"),
        (
            lambda: _written(1, (30, 32)),
            1,
            "The labels of i0 have shape (30, 32) but the image (32, 32)",
        ),
        (_empty, 1, "has no readable images"),
        (_no_pairs, 1, "have the name of an image in images"),
        (_background, 1, "The labels are empty"),
        (_exists, 1, "model exists and holds no model"),
        (lambda: None, 1, "does not exist"),
    ],
    ids=["unmatched", "shape", "empty", "no pairs", "background", "exists", "no folder"],
)
def test_bad_input_is_reported_in_one_sentence(run, made, code, message) -> None:
    made()
    found, _, err = run(*FOLDERS, *QUICK)
    assert found == code, err
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--patch", "a"), "--patch must be whole numbers separated by commas, not a"),
        (("--steps", "0"), "--steps must be at least 1, not 0"),
        (("--device", "tpu"), "device"),
    ],
)
def test_invalid_options_exit_with_2(run, option, message) -> None:
    _written(1)
    code, _, err = run(*FOLDERS, *QUICK, *option)
    assert code == 2
    assert message in err


def _stack(array: np.ndarray, path: str, x_sign: int = 1, shift: float = 0.0) -> None:
    affine = np.diag([1.0, 1, x_sign, 1])
    affine[2, 3] = shift + (0 if x_sign > 0 else array.shape[-1] - 1)
    write(Volume(array, "ZYX", (1.0,) * 3, "mm", affine), Path(path))


def test_labels_are_brought_to_the_place_of_their_image_or_refused(run) -> None:
    labels = np.zeros((9, 20, 24), np.uint8)
    labels[2:7, 3:9, 2:8], labels[2:7, 12:17, 4:20] = 1, 2
    for i in range(3):
        _stack((labels * 50.0).astype(np.float32), f"images/i{i}.nii.gz")
        _stack(labels[..., ::-1], f"turned/i{i}.nii.gz", -1)
        _stack(labels, f"away/i{i}.nii.gz", shift=30)
        _stack((labels >= 0).astype(np.uint8), f"masks/i{i}.nii.gz", shift=0.4)
    train = ("train", "images", "-o", "model", "--plan", "--ground-truth")
    code, out, err = run(*train, "turned")
    assert code == 0 and "6 objects" in out
    for extra in (("away",), ("turned", "--masks", "masks"), ("turned", "--classes", "away")):
        code, _, err = run(*train, *extra)
        assert code == 1 and "differ in position by up to" in err
    assert run(*train, "turned", "--masks", "masks", "--resample")[0] == 0


def test_masks_of_objects_are_noted_and_split_on_request(run, caplog) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[4:12, 4:12] = mask[16:26, 10:20] = 255
    for i in range(2):
        write(Volume(mask // 2, "YX"), Path(f"data/i{i}_img.tif"))
        write(Volume(mask, "YX", is_labels=True), Path(f"data/i{i}_masks.tif"))
    train = ("train", "data", "--ground-truth", "data", "-o", "model", "--plan")
    code, out, _ = run(*train, "--kind", "instances")
    assert code == 0 and "2 objects" in out and "is a binary mask" in caplog.text
    code, out, _ = run(*train, "--separate")
    assert code == 0 and "4 objects" in out and "ids of objects" in out
    code, _, err = run(*train, "--separate", "--kind", "classes")
    assert code == 2 and "not split into objects" in err
