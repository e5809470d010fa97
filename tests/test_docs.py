"""Pages that are made from the code are those that the code makes."""

from __future__ import annotations

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
