"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before napari is imported: tests neither read nor write the settings of whoever runs them.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="napari-tally-")) / "settings.yaml")

import pytest
from hypothesis import settings
from typer.testing import CliRunner

from napari_tally.cli.app import app

settings.register_profile("same examples in every run", derandomize=True, database=None)
settings.load_profile("same examples in every run")


def pytest_unconfigure() -> None:
    """Remove the folder of the settings."""
    shutil.rmtree(Path(os.environ["NAPARI_CONFIG"]).parent, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images, which is not part of the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TALLY_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}; set TALLY_DATA to their folder")
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `tally` in an empty folder; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def invoke(*args: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, list(args))
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return invoke


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread: tiny networks wait longer for others than they compute."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
