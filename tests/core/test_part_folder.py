"""Temporary files of dead processes are removed, those of others stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_tally.core.file_lock import LOCKS
from napari_tally.core.part_folder import set_aside, sweep

pytestmark = pytest.mark.skipif(not LOCKS, reason="needs locks of files")

HOLD = """
import sys
from pathlib import Path
from napari_tally.core.part_folder import part_folder, set_aside
with part_folder(Path(sys.argv[1])) as folder:
    (folder / "half.tif").write_text("half")
    print(folder.name, flush=True)
    sys.stdin.read()
"""


def held(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds a temporary folder."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdout is not None
    assert (folder / process.stdout.readline().strip() / "half.tif").is_file()
    return process


def test_what_a_killed_process_left_is_removed_and_not_before(tmp_path: Path) -> None:
    process = held(tmp_path)
    sweep(tmp_path)
    assert len(list(tmp_path.glob(".part-*/half.tif"))) == 1
    process.kill()
    process.communicate()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_files_of_former_versions_and_empty_locks_are_removed(tmp_path: Path) -> None:
    for name in (".part-abc123.tif", ".tally-0f", "a.tif", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / ".tally-1f").write_text("half a run")
    sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {".tally-1f", "a.tif", ".hidden"}


def test_what_was_set_aside_comes_back_unless_it_was_replaced(tmp_path: Path) -> None:
    for name in ("kept", "replaced"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").touch()
        (tmp_path / f".part-{name}").mkdir()
        set_aside(tmp_path / name, tmp_path / f".part-{name}")
    (tmp_path / "replaced").mkdir()
    sweep(tmp_path)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")} == {
        "kept", os.path.join("kept", "old"), "replaced",
    }  # fmt: skip


def test_links_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").touch()
    (tmp_path / ".part-x").symlink_to(tmp_path / "mine")
    sweep(tmp_path)
    assert (tmp_path / "mine" / "a").exists() and (tmp_path / ".part-x").is_symlink()
