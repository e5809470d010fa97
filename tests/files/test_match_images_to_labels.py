"""Files of several folders are matched by name; unmatched files are returned."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_tally.core.errors import InputError
from napari_tally.files.match_images_to_labels import Row, match_rows, paired


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Return a folder with images, labels and cells of which some lack a partner."""
    names = {
        "images": ("a.tif", "b.png", "only_image.tif"),
        "labels": ("a_labels.tif", "b.nii.gz", "c_mask.tif", "a_classes.tif", "notes.txt"),
        "cells": ("a_labels.tif", "b.tif"),
    }
    for folder, files in names.items():
        (tmp_path / folder).mkdir()
        for name in files:
            (tmp_path / folder / name).touch()
    return tmp_path


def test_labels_find_their_match_in_each_folder(folders: Path) -> None:
    images, labels, cells = (folders / n for n in ("images", "labels", "cells"))
    rows, unmatched, unused = match_rows(labels, [images], cells)
    assert rows == [
        Row("a", labels / "a_labels.tif", (images / "a.tif",), cells / "a_labels.tif"),
        Row("b", labels / "b.nii.gz", (images / "b.png",), cells / "b.tif"),
    ]
    assert unmatched == [labels / "c_mask.tif"]
    assert unused == [images / "only_image.tif"]


def test_labels_without_images_need_no_match(folders: Path) -> None:
    rows, unmatched, unused = match_rows(folders / "labels")
    assert [row.name for row in rows] == ["a", "b", "c"]
    assert (unmatched, unused) == ([], [])


def test_images_and_labels_may_share_a_folder(folders: Path) -> None:
    (folders / "labels" / "a.tif").touch()
    (folders / "labels" / "b.nii.gz").unlink()
    (folders / "labels" / "c_mask.tif").rename(folders / "labels" / "c_labels.tif")
    rows, unmatched, _ = match_rows(folders / "labels", [folders / "labels"])
    assert [(row.labels.name, row.images[0].name) for row in rows] == [("a_labels.tif", "a.tif")]
    assert [path.name for path in unmatched] == ["c_labels.tif"]
    pairs, _ = paired(folders / "labels", folders / "labels")
    assert [(a.name, b.name) for a, b in pairs] == [("a.tif", "a_labels.tif")]


def test_folders_without_labels_are_refused(folders: Path) -> None:
    (folders / "empty").mkdir()
    with pytest.raises(InputError, match="There are no labels in"):
        match_rows(folders / "empty")
    with pytest.raises(InputError, match=r"gone does not exist"):
        match_rows(folders / "labels", [folders / "gone"])


def test_files_and_patterns_match_as_folders_do(folders: Path) -> None:
    images, labels = folders / "images", folders / "labels"
    by_folder = match_rows(labels, [images])[0]
    by_files = match_rows(
        [labels / "a_labels.tif", labels / "b.nii.gz"], [images / "a.tif", images / "b.png"]
    )
    assert by_files == (by_folder, [], [])
    assert match_rows([labels / "a_*", labels / "b.*"], [images / "*.*"])[0] == by_folder
    pairs, unmatched = paired([images / "a.tif"], labels / "*.*")
    assert pairs == [(images / "a.tif", labels / "a_labels.tif")]
    assert unmatched == [labels / "b.nii.gz", labels / "c_mask.tif"]
    one = paired(images / "only_image.tif", labels / "c_mask.tif")
    assert one == ([(images / "only_image.tif", labels / "c_mask.tif")], [])


def test_labels_of_two_folders_with_one_name_are_not_lost(folders: Path) -> None:
    with pytest.raises(InputError, match="Two label images have the name a"):
        match_rows([folders / "labels", folders / "cells"])
