"""Files of several folders are partners by their names; what has none is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_tally.core.errors import InputError
from napari_tally.files.match_files import Row, paired, partners


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


def test_labels_find_their_partners_in_each_folder(folders: Path) -> None:
    images, labels, cells = (folders / n for n in ("images", "labels", "cells"))
    rows, lonely, unused = partners(labels, [images], cells)
    assert rows == [
        Row("a", labels / "a_labels.tif", (images / "a.tif",), cells / "a_labels.tif"),
        Row("b", labels / "b.nii.gz", (images / "b.png",), cells / "b.tif"),
    ]
    assert lonely == [labels / "c_mask.tif"]
    assert unused == [images / "only_image.tif"]


def test_labels_alone_need_no_partner(folders: Path) -> None:
    rows, lonely, unused = partners(folders / "labels")
    assert [row.name for row in rows] == ["a", "b", "c"]
    assert (lonely, unused) == ([], [])


def test_images_and_labels_may_lie_in_one_folder(folders: Path) -> None:
    (folders / "labels" / "a.tif").touch()
    (folders / "labels" / "b.nii.gz").unlink()
    (folders / "labels" / "c_mask.tif").rename(folders / "labels" / "c_labels.tif")
    rows, lonely, _ = partners(folders / "labels", [folders / "labels"])
    assert [(row.labels.name, row.images[0].name) for row in rows] == [("a_labels.tif", "a.tif")]
    assert [path.name for path in lonely] == ["c_labels.tif"]
    pairs, _ = paired(folders / "labels", folders / "labels")
    assert [(a.name, b.name) for a, b in pairs] == [("a.tif", "a_labels.tif")]


def test_what_is_no_folder_of_labels_is_refused(folders: Path) -> None:
    (folders / "empty").mkdir()
    with pytest.raises(InputError, match="There are no labels in"):
        partners(folders / "empty")
    with pytest.raises(InputError, match=r"gone does not exist"):
        partners(folders / "labels", [folders / "gone"])


def test_files_and_patterns_match_as_folders_do(folders: Path) -> None:
    images, labels = folders / "images", folders / "labels"
    by_folder = partners(labels, [images])[0]
    by_files = partners(
        [labels / "a_labels.tif", labels / "b.nii.gz"], [images / "a.tif", images / "b.png"]
    )
    assert by_files == (by_folder, [], [])
    assert partners([labels / "a_*", labels / "b.*"], [images / "*.*"])[0] == by_folder
    pairs, unmatched = paired([images / "a.tif"], labels / "*.*")
    assert pairs == [(images / "a.tif", labels / "a_labels.tif")]
    assert unmatched == [labels / "b.nii.gz", labels / "c_mask.tif"]
    one = paired(images / "only_image.tif", labels / "c_mask.tif")
    assert one == ([(images / "only_image.tif", labels / "c_mask.tif")], [])


def test_labels_of_two_folders_with_one_name_are_not_lost(folders: Path) -> None:
    with pytest.raises(InputError, match="Two label images are called a"):
        partners([folders / "labels", folders / "cells"])
