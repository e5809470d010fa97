"""Predictions and ground truth in two folders: matched and unmatched files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_tally.core.errors import InputError
from napari_tally.files.match_predictions import (
    CLASSES,
    ONLY_CLASSES,
    images_by_name,
    paired_labels,
)


@pytest.fixture
def folders(tmp_path):
    """Make the folders p and t with images of the given names."""

    def make(predicted: list[str], ground_truth: list[str]) -> tuple[Path, Path]:
        for folder, names in (("p", predicted), ("t", ground_truth)):
            for name in names:
                path = tmp_path / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                tifffile.imwrite(path, np.zeros((2, 2), np.uint8))
        return tmp_path / "p", tmp_path / "t"

    return make


def names(pairs: list[tuple[str, Path, Path]]) -> list[tuple[str, str, str]]:
    return [(name, p.name, t.name) for name, p, t in pairs]


def test_outputs_of_segment_match_bare_names(folders) -> None:
    pairs, unmatched = paired_labels(
        *folders(["a_labels.tif", "b_labels.tif"], ["a.tif", "b_mask.tif"])
    )
    assert names(pairs) == [("a", "a_labels.tif", "a.tif"), ("b", "b_labels.tif", "b_mask.tif")]
    assert unmatched == []


def test_of_several_files_of_an_image_the_one_of_the_kind_is_taken(folders) -> None:
    both = folders(["a.tif", "a_labels.tif", "a_classes.tif", "a_overlay.tif"], ["a.tif"])
    assert names(paired_labels(*both)[0]) == [("a", "a_labels.tif", "a.tif")]
    assert names(paired_labels(*both, CLASSES)[0]) == [("a", "a_classes.tif", "a.tif")]
    with pytest.raises(InputError, match="There are no label images"):
        paired_labels(*both, ONLY_CLASSES)


def test_unmatched_files_of_both_sides_are_returned(folders) -> None:
    pairs, unmatched = paired_labels(*folders(["a.tif", "c.tif"], ["a.tif", "d.tif"]))
    assert [name for name, *_ in pairs] == ["a"]
    assert [path.name for path in unmatched] == ["c.tif", "d.tif"]


def test_the_same_name_in_two_sub_folders_is_two_images(folders) -> None:
    pairs, _ = paired_labels(*folders(["x/a.tif", "y/a_labels.tif"], ["x/a.tif", "y/a.tif"]))
    assert [name for name, *_ in pairs] == ["x/a", "y/a"]


def test_two_single_files_match_whatever_their_names(folders) -> None:
    p, t = folders(["found.tif"], ["true.tif"])
    pairs, _ = paired_labels(p / "found.tif", t / "true.tif")
    assert names(pairs) == [("true", "found.tif", "true.tif")]


@pytest.mark.parametrize(
    ("predicted", "ground_truth", "message"),
    [
        (["a.tif"], ["b.tif"], "1 and 1 label images of other names"),
        (["a.tif", "a.png"], ["a.tif"], "two label images of a"),
        (["a.tif"], [], "does not exist"),
    ],
)
def test_folders_without_matches_are_refused(folders, predicted, ground_truth, message) -> None:
    with pytest.raises(InputError, match=message):
        paired_labels(*folders(predicted, ground_truth))


def test_an_empty_folder_is_named(folders, tmp_path) -> None:
    p, _ = folders(["a.tif"], [])
    (tmp_path / "t").mkdir()
    with pytest.raises(InputError, match=r"no label images in .*t"):
        paired_labels(p, tmp_path / "t")


def test_a_file_and_a_folder_do_not_go_together(folders) -> None:
    p, t = folders(["a.tif"], ["a.tif"])
    with pytest.raises(InputError, match="two folders of labels, or two files"):
        paired_labels(p, t / "a.tif")


def test_images_are_found_by_the_names_of_their_labels(folders) -> None:
    p, _ = folders(["x/a.tif", "b.tif"], [])
    assert sorted(images_by_name(p)) == ["b", "x/a"]
