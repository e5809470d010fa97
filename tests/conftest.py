"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images, which is not part of the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TALLY_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}; set TALLY_DATA to their folder")
    return folder
