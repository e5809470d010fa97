"""A run record identifies results of the same run."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

from napari_tally.core.errors import FileError
from napari_tally.files.run_record import read_record, same_run, sha256_file, versions, write_record


@pytest.fixture
def record() -> dict[str, Any]:
    return {
        "options": {"threshold": 0.5, "size": (1, 2), "model": None},
        "model": {"name": "nuclei", "version": "1", "sha256": "ab"},
        "input": {"name": "a.tif", "sha256": "cd"},
        "seconds": {"total": 1.5},
        "note": "µ",
    }


def test_the_checksum_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "a") == known
    with pytest.raises(FileError, match="No such file"):
        sha256_file(tmp_path / "b")


def test_a_record_survives_the_round_trip(tmp_path: Path, record: dict[str, Any]) -> None:
    write_record(record, tmp_path / "a_run.json")
    read = read_record(tmp_path / "a_run.json")
    assert read is not None
    assert read["note"] == "µ"
    assert same_run(read, record)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff\xfe"])
def test_other_files_are_not_records(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a_run.json").write_bytes(content)
    assert read_record(tmp_path / "a_run.json") is None


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("options", "threshold", 0.4),
        ("options", "new", 1),
        ("model", "sha256", "xx"),
        ("model", "version", "2"),
        ("model", "name", "cells"),
        ("input", "sha256", "xx"),
    ],
)
def test_another_option_model_or_input_is_another_run(
    record: dict[str, Any], part: str, key: str, value: Any
) -> None:
    other = copy.deepcopy(record)
    other[part][key] = value
    assert not same_run(record, other)
    assert not same_run(other, record)


def test_time_and_place_do_not_make_another_run(record: dict[str, Any]) -> None:
    other = copy.deepcopy(record) | {"seconds": {}, "device": "cuda"}
    other["input"]["name"] = "b.tif"
    assert same_run(record, other)


@pytest.mark.parametrize("part", ["options", "model", "input"])
def test_an_incomplete_record_is_like_no_other(record: dict[str, Any], part: str) -> None:
    for wrong in (None, 3):
        other = record | {part: wrong} if part != "options" else record | {part: None}
        assert not same_run(other, other)
    del record[part]
    assert not same_run(record, record)


def test_versions_name_what_results_depend_on() -> None:
    found = versions()
    assert found["python"] == sys.version.split()[0]
    assert {"numpy", "tifffile", "torch"} <= set(found)
