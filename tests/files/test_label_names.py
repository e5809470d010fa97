"""Images and labels of all usual names find each other, and labels are no images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_tally.core.errors import InputError
from napari_tally.files.expand_inputs import expand
from napari_tally.files.match_images_to_labels import match_rows, paired
from napari_tally.files.match_predictions import CLASSES, OBJECTS, images_by_name, paired_labels

NAMES = {
    "labels": ("a", "a_labels"),
    "another case": ("A", "a_Mask"),
    "minus": ("a", "a-mask"),
    "cellpose": ("a_img", "a_cp_masks"),
    "img and masks": ("w1_img", "w1_masks"),
    "seg": ("a", "a_seg"),
    "gt": ("a", "a_GT"),
    "BIDS": ("sub-01_T1w", "sub-01_dseg"),
    "numbers": ("img_1", "mask_1"),
    "numbers alone": ("image12", "label12"),
    "LiTS": ("volume-3", "segmentation-3"),
    "cell tracking": ("t004", "man_seg004"),
    "results of tracking": ("t004", "mask004"),
    "the same name": ("wall_mask", "wall_mask"),
    "labels of a mask": ("wall_mask", "wall_mask_labels"),
}


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.zeros((2, 2), np.uint8))


def two(folder: Path, image: str, labels: str) -> tuple[Path, Path]:
    """Put an image and its labels in two folders, each beside others."""
    put(folder / "i" / f"{image}.tif", folder / "l" / f"{labels}.tif")
    put(folder / "i" / "other.tif", folder / "l" / "other.tif")
    return folder / "i" / f"{image}.tif", folder / "l" / f"{labels}.tif"


@pytest.mark.parametrize("names", [*NAMES.values(), ("case_000_0000", "case_000")])
def test_labels_in_a_folder_of_their_own_are_found(tmp_path: Path, names: tuple[str, str]) -> None:
    image, labels = two(tmp_path, *names)
    pairs, unmatched = paired(tmp_path / "i", tmp_path / "l")
    assert (image, labels) in pairs and len(pairs) == 2 and not unmatched
    rows, *rest = match_rows(tmp_path / "l", [tmp_path / "i"])
    assert (image, labels) in [(row.images[0], row.labels) for row in rows]
    assert rest == [[], []]


@pytest.mark.parametrize("names", [n for n in NAMES.values() if n[0] != n[1]])
def test_labels_beside_their_image_are_no_images(tmp_path: Path, names: tuple[str, str]) -> None:
    image, labels = (tmp_path / f"{name}.tif" for name in names)
    put(image, labels)
    assert [source.path for source in expand([tmp_path])] == [image]
    assert [source.path for source in expand([tmp_path / "*.tif"])] == [image]
    assert [source.path for source in expand([image, labels])] == [image]
    assert paired(tmp_path, tmp_path) == ([(image, labels)], [])
    rows, *rest = match_rows(tmp_path, [tmp_path])
    assert [(row.images[0], row.labels) for row in rows] == [(image, labels)]
    assert rest == [[], []]
    assert [row.labels for row in match_rows(tmp_path)[0]] == [labels]


@pytest.mark.parametrize("names", [n for n in NAMES.values() if n[0] != n[1]])
def test_what_we_made_of_an_image_matches_its_ground_truth(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    found, true = tmp_path / "found" / f"{names[0]}_labels.tif", tmp_path / "t" / f"{names[1]}.tif"
    put(found, true, tmp_path / "images" / f"{names[0]}.tif")
    pairs, unmatched = paired_labels(found.parent, true.parent)
    assert pairs == [(names[0], found, true)] and not unmatched
    assert images_by_name(tmp_path / "images")[names[0]].stem == names[0]


def test_an_image_that_is_called_mask_is_one(tmp_path: Path) -> None:
    put(tmp_path / "wall_mask.tif", tmp_path / "floor.tif", tmp_path / "gt_of_b_x.tif")
    assert len(expand([tmp_path])) == 3
    put(tmp_path / "wall.tif")
    assert [s.stem for s in expand([tmp_path / "wall_mask.tif"])] == ["wall_mask"]
    assert [s.stem for s in expand([tmp_path / "*_mask.tif"])] == ["wall_mask"]
    assert "wall_mask" not in [s.stem for s in expand([tmp_path])]


def test_channels_in_files_of_their_own_are_refused(tmp_path: Path) -> None:
    put(*(tmp_path / "i" / f"case_{c}.tif" for c in ("0000", "0001")), tmp_path / "l" / "case.tif")
    with pytest.raises(InputError, match=r"Several images have the labels .*--stack C"):
        paired(tmp_path / "i", tmp_path / "l")


def test_numbered_images_with_labels_of_their_own_are_no_channels(tmp_path: Path) -> None:
    for number in ("0000", "0001"):
        put(tmp_path / "i" / f"f_{number}.tif", tmp_path / "l" / f"f_{number}_mask.tif")
    pairs, unmatched = paired(tmp_path / "i", tmp_path / "l")
    assert [(a.stem, b.stem) for a, b in pairs] == [
        ("f_0000", "f_0000_mask"),
        ("f_0001", "f_0001_mask"),
    ]
    assert not unmatched


def test_accents_match_however_they_are_encoded(tmp_path: Path) -> None:
    put(tmp_path / "i" / "M\u00fcll.tif", tmp_path / "l" / "Mu\u0308ll_mask.tif")
    assert len(paired(tmp_path / "i", tmp_path / "l")[0]) == 1


def test_of_several_labels_it_is_said_which_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "a.tif", tmp_path / "a_mask.tif")
    paired(tmp_path, tmp_path)
    assert not caplog.text
    put(tmp_path / "a_labels.tif")
    assert [b.stem for _, b in paired(tmp_path, tmp_path)[0]] == ["a_labels"]
    assert "a_labels.tif is used, not a_mask.tif" in caplog.text and "--label-suffix" in caplog.text
    caplog.clear()
    assert [b.stem for _, b in paired(tmp_path, tmp_path, "_mask")[0]] == ["a_mask"]
    assert not caplog.text
    put(tmp_path / "found" / "a_labels.tif")
    assert [c.stem for _, _, c in paired_labels(tmp_path / "found", tmp_path)[0]] == ["a_labels"]
    assert "a_labels.tif is used, not a_mask.tif" in caplog.text


def test_labels_are_taken_rather_than_the_image_beside_them(tmp_path: Path) -> None:
    put(tmp_path / "a.tif", tmp_path / "a_masks.tif")
    assert [row.labels.stem for row in match_rows(tmp_path)[0]] == ["a_masks"]
    put(tmp_path / "p" / "a_labels.tif")
    for ends in (OBJECTS, CLASSES):
        assert paired_labels(tmp_path / "p", tmp_path, ends)[0][0][2].stem == "a_masks"
    put(
        tmp_path / "l" / "b.tif", tmp_path / "l" / "b_classes.tif", tmp_path / "l" / "b_overlay.png"
    )
    assert [row.labels.stem for row in match_rows(tmp_path / "l")[0]] == ["b"]


def test_two_labels_of_one_end_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "l" / "a_mask.tif", tmp_path / "l" / "a-mask.tif", tmp_path / "i" / "a.tif")
    for function in (
        lambda: match_rows(tmp_path / "l"),
        lambda: paired(tmp_path / "i", tmp_path / "l"),
    ):
        with pytest.raises(InputError, match="Two label images"):
            function()


@pytest.mark.parametrize(("suffix", "label"), [("_hand", "a_hand"), ("by_*_me", "by_a_me")])
def test_a_pattern_of_ones_own(tmp_path: Path, suffix: str, label: str) -> None:
    image, labels = tmp_path / "a.tif", tmp_path / f"{label}.tif"
    put(image, labels, tmp_path / "a_mask.tif")
    assert paired(tmp_path, tmp_path, suffix)[0] == [(image, labels)]
    rows = match_rows(tmp_path, [tmp_path], suffix=suffix)[0]
    assert [(row.name, row.labels, row.images) for row in rows] == [("a", labels, (image,))]
    put(tmp_path / "p" / "a_labels.tif")
    pairs, _ = paired_labels(tmp_path / "p", tmp_path, suffix=suffix)
    assert pairs == [("a", tmp_path / "p" / "a_labels.tif", labels)]


def test_predictions_are_not_compared_with_themselves(tmp_path: Path) -> None:
    put(tmp_path / "a.tif", tmp_path / "a_labels.tif", tmp_path / "a_gt.tif")
    with pytest.raises(InputError, match="both prediction and ground truth"):
        paired_labels(tmp_path, tmp_path)
    ours, theirs = ([tmp_path / f"a_{end}.tif"] for end in ("labels", "gt"))
    assert paired_labels(ours, theirs)[0] == [("a", *ours, *theirs)]
