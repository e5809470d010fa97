"""A file is complete or missing, even if another program has the old one open."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_tally.core import atomic
from napari_tally.core.atomic import keeping, replacing, replacing_all, write_text
from napari_tally.core.errors import FileError, InputError, OutputExistsError


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


def test_a_folder_is_never_missing_while_it_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.zarr"
    with replacing_all(target) as part:
        part.mkdir()
        (part / "0").write_text("old", "utf-8")
    missing, done = [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            if not target.is_dir():
                missing.append(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(20):
        with replacing_all(target) as part:
            part.mkdir()
            (part / "0").write_text(str(number), "utf-8")
    done.set()
    watcher.join()
    assert (target / "0").read_text("utf-8") == "19"
    assert not (missing and sys.platform == "linux")


def test_where_folders_cannot_be_exchanged_they_are_replaced_in_two_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "exchange", lambda *_: False)
    test_a_folder_is_replaced_as_a_whole(tmp_path)


def test_a_folder_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.zarr"
    target.mkdir()
    (target / "notes.txt").touch()
    with (
        pytest.raises(OutputExistsError, match="holds something else"),
        replacing_all(target, like=lambda p: (p / "zarr.json").is_file()) as part,
    ):
        part.mkdir()
    assert [path.name for path in target.iterdir()] == ["notes.txt"]


def test_an_output_of_others_is_kept_and_the_same_content_is_not_written_again(
    tmp_path: Path,
) -> None:
    target = tmp_path / "a.html"
    target.write_text("made 2024-03-01 12:30 UTC", "utf-8")
    with keeping([target]):
        write_text("made 2026-01-01 09:00 UTC", target)
        with pytest.raises(OutputExistsError, match="other content"):
            write_text("made by hand", target)
        write_text("new", tmp_path / "b.html")
    assert "2024" in target.read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_any_error_on_a_full_disk_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with (
        pytest.raises(FileError, match=r"a.xlsx cannot be written: No space left on device"),
        replacing(tmp_path / "a.xlsx"),
    ):
        raise RuntimeError("a library's own error")
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_content_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too many rows"), replacing(tmp_path / "a.xlsx"):
        raise InputError("too many rows")
