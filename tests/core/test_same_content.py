"""Two outputs of one run are the same, whenever they were written."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from napari_tally.core.same_content import same_content


def test_dates_do_not_count_and_numbers_do(tmp_path: Path) -> None:
    texts = ["2024-03-01T12:30:05+01:00: 3", "2026-01-01T09:00:00Z: 3", "2026-01-01T09:00:00Z: 4"]
    for name, text in zip("abc", texts, strict=True):
        (tmp_path / name).write_text(text)
    assert same_content(tmp_path / "a", tmp_path / "b")
    assert not same_content(tmp_path / "b", tmp_path / "c")
    assert not same_content(tmp_path / "a", tmp_path / "missing")


def test_workbooks_are_compared_by_their_sheets(tmp_path: Path) -> None:
    for name, sheet, year in (("a", "1", "2024"), ("b", "1", "2026"), ("c", "2", "2026")):
        with ZipFile(tmp_path / name, "w") as book:
            book.writestr("xl/sheet1.xml", sheet)
            book.writestr("docProps/core.xml", year)
    assert same_content(tmp_path / "a", tmp_path / "b")
    assert not same_content(tmp_path / "b", tmp_path / "c")


def test_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    for name, files in (("a", "xy"), ("b", "xy"), ("c", "x")):
        for file in files:
            (tmp_path / name / "0").mkdir(parents=True, exist_ok=True)
            (tmp_path / name / "0" / file).write_text(file)
    assert same_content(tmp_path / "a", tmp_path / "b")
    assert not same_content(tmp_path / "a", tmp_path / "c")
    assert not same_content(tmp_path / "c", tmp_path / "a")
