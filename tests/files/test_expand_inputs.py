"""Files, folders and patterns become files whose outputs do not collide."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_tally.core.errors import FileError, InputError
from napari_tally.files import read, readable
from napari_tally.files.expand_inputs import expand


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.tif", "a.tif", "sub/c.PNG", "sub/deep/d.jpg", "notes.txt", ".hidden.tif"):
        make(tmp_path / name)
    make(tmp_path / ".cache" / "e.tif")
    return tmp_path


def make(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(*inputs: Path | str) -> list[str]:
    return [source.path.name for source in expand(map(str, inputs))]


def outputs(*inputs: Path) -> list[str]:
    return [(s.folder / s.stem).as_posix() for s in expand(inputs)]


def test_the_suffix_tells_what_can_be_read() -> None:
    assert all(readable(Path(name)) for name in ("a.tif", "a.TIFF", "a.ome.tif", "a.Png", "a.jpg"))
    assert not any(readable(Path(name)) for name in ("a.txt", "tif", "a.tif.part"))


def test_a_folder_gives_its_images_without_hidden_ones(tree: Path) -> None:
    assert names(tree) == ["a.tif", "b.tif", "c.PNG", "d.jpg"]


def test_a_pattern_gives_its_matches(tree: Path) -> None:
    assert names(tree / "*") == ["a.tif", "b.tif"]
    assert names(tree / "[b-z].*") == ["b.tif"]
    assert names(tree / "**" / "*.jpg") == ["d.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tree: Path) -> None:
    make(tree / "a[1].tif")
    assert names(tree / "a[1].tif") == ["a[1].tif"]


def test_each_file_comes_once(tree: Path) -> None:
    assert names(tree / "b.tif", tree, tree / "*.tif", tree / "sub" / ".." / "b.tif")[0] == "b.tif"
    assert len(expand([tree / "b.tif", tree, tree / "sub" / ".." / "b.tif"])) == 4


def test_our_own_outputs_are_no_inputs(tree: Path) -> None:
    make(tree / "a_labels.tif", tree / "a_run.json", tree / "a_overlay.png")
    assert names(tree / "*") == ["a.tif", "b.tif"]
    assert "a_labels.tif" not in names(tree)
    # a shell has expanded the pattern
    assert names(tree / "a.tif", tree / "a_labels.tif") == ["a.tif"]


def test_labels_that_are_given_are_inputs(tree: Path) -> None:
    make(tree / "a_labels.tif", tree / "a_run.json")
    assert names(tree / "a_labels.tif") == ["a_labels.tif"]
    assert names(tree / "*_labels.tif") == ["a_labels.tif"]


@pytest.mark.parametrize("name", ["*.czi", "empty", "[x].tif"])
def test_an_input_that_matches_nothing_is_refused_by_its_name(tree: Path, name: str) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        expand([str(tree / "a.tif"), str(tree / name)])
    assert name in str(caught.value)


def test_outputs_of_distinct_names_need_no_sub_folders(tree: Path) -> None:
    assert outputs(tree) == ["a", "b", "c", "d"]


def test_outputs_of_the_same_name_keep_their_folders(tmp_path: Path) -> None:
    make(tmp_path / "x" / "a.tif", tmp_path / "y" / "z" / "a.tif", tmp_path / "y" / "b.tif")
    assert outputs(tmp_path) == ["x/a", "y/b", "y/z/a"]


def test_the_same_stem_in_two_folders_counts_as_the_same_name(tmp_path: Path) -> None:
    make(tmp_path / "x" / "a.tif", tmp_path / "y" / "A.png")
    assert outputs(tmp_path / "x", tmp_path / "y") == ["x/a", "y/A"]


def test_a_folder_and_its_sub_folder_do_not_collide(tmp_path: Path) -> None:
    make(tmp_path / "a.tif", tmp_path / "x" / "a.tif")
    assert outputs(tmp_path) == ["a", "x/a"]


def test_the_same_stem_in_one_folder_gets_its_suffix(tmp_path: Path) -> None:
    make(tmp_path / "a.tif", tmp_path / "a.png", tmp_path / "b.tif")
    assert outputs(tmp_path) == ["a_png", "a_tif", "b"]


def test_outputs_never_collide(tmp_path: Path) -> None:
    make(*(tmp_path / name for name in ("a.tif", "a.png", "a_tif.png", "a.ome.tif", "a.tiff")))
    found = outputs(tmp_path)
    assert len(set(found)) == len(found) == 5


def test_the_suffix_of_a_name_is_that_of_its_format(tmp_path: Path) -> None:
    make(tmp_path / "brain.nii.gz", tmp_path / "cell.ome.tif", tmp_path / "b.c.png")
    assert outputs(tmp_path) == ["b.c", "brain", "cell"]


def test_labels_of_a_medical_image_are_no_inputs(tmp_path: Path) -> None:
    make(*(tmp_path / f"b{end}.nii.gz" for end in ("", "_labels", "_classes")))
    assert names(tmp_path) == ["b.nii.gz"]


def test_series_of_one_file_are_named_apart(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    (source,) = expand([tmp_path / "a.tif"])
    names = [source.of_series(series).stem for series in (None, "1", "2", "A/1/0", "labels/x.y")]
    assert names == ["a", "a_series1", "a_series2", "a_seriesA-1-0", "a_serieslabels-x-y"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_links_to_nowhere_and_pipes_are_inputs_whose_reading_fails(tmp_path: Path) -> None:
    for name, target in (("gone.tif", "nowhere.tif"), ("loop.tif", "loop.tif")):
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe.tif")
    names = ["gone.tif", "loop.tif", "pipe.tif"]
    for given in ([tmp_path], [tmp_path / "*.tif"], [tmp_path / name for name in names]):
        found = [source.path for source in expand(given)]
        assert [path.name for path in found] == names
    for path in found:
        with pytest.raises(FileError, match=r"does not exist|named pipe"):
            read(path)
