"""Pages that are made from the code are those that the code makes."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_reference_of_measurements_is_up_to_date() -> None:
    spec = spec_from_file_location("measurements", DOCS / "measurements.py")
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    written = (DOCS / "measurements.md").read_text("utf-8")
    assert written == script.page(), "run: python docs/measurements.py"


def test_pages_show_pictures_that_there_are() -> None:
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"!\[[^]]*\]\((images/[^)]+)\)", page.read_text("utf-8")):
            assert (DOCS / link).is_file(), f"{page.name}: {link}"
