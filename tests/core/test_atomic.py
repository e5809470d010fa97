"""A file is complete or missing, even if another program has the old one open."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_tally.core.atomic import replacing, replacing_all, write_text
from napari_tally.core.errors import FileError


def in_use(self: Path, target: Path) -> Path:
    """Fail as Windows does where a program has the target open."""
    raise PermissionError(13, "The process cannot access the file", str(target))


def test_text_is_the_same_on_every_system(tmp_path: Path) -> None:
    write_text("µm\nnm\n", tmp_path / "sub" / "a.json")
    assert (tmp_path / "sub" / "a.json").read_bytes() == "µm\nnm\n".encode()


def test_a_file_in_use_stays_and_the_user_learns_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old", "utf-8")
    monkeypatch.setattr(Path, "replace", in_use)
    with (
        pytest.raises(FileError, match=r"cannot be written: The process .*\. Close it in other"),
        replacing(target) as part,
    ):
        part.write_text("new", "utf-8")
    assert target.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_temporary_file_in_use_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "in use", str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(ValueError, match="the writer failed"), replacing(tmp_path / "a.txt"):
        raise ValueError("the writer failed")


def test_a_folder_comes_back_if_it_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.zarr"
    target.mkdir()
    (target / "0").write_text("old", "utf-8")
    monkeypatch.setattr(Path, "replace", in_use)
    with pytest.raises(FileError, match="cannot be written"), replacing_all(target) as part:
        part.mkdir()
        (part / "0").write_text("new", "utf-8")
    assert (target / "0").read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.zarr"
    for value in ("old", "new"):
        with replacing_all(target) as part:
            part.mkdir()
            (part / value).write_text(value, "utf-8")
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
