"""Keep the suffixes in napari's manifest those of the formats, in their order.

python -m napari_tally.widgets.plugin.manifest
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ...files import FORMATS

MANIFEST = Path(__file__).parents[2] / "napari.yaml"
_WIDTH = 100


def filename_patterns() -> list[str]:
    """Return the patterns of files that our reader claims: `*.nii`."""
    return [f"*{suffix}" for f in FORMATS for suffix in f.napari_reads]


def filename_extensions() -> list[str]:
    """Return the suffixes that napari offers for saving, the default first."""
    return [suffix for f in FORMATS for suffix in f.napari_writes]


def updated(manifest: str) -> str:
    """Return the text of the manifest with the patterns and extensions of today's formats."""
    for key, values in (
        ("filename_patterns", filename_patterns()),
        ("filename_extensions", filename_extensions()),
    ):
        entry = re.compile(rf"^( *){key}:\s*\[[^\]]*\]", re.MULTILINE)
        manifest = entry.sub(lambda m, k=key, v=values: _entry(m[1], k, v), manifest)  # type: ignore[misc]
    return manifest


def _entry(indent: str, key: str, values: Iterable[str]) -> str:
    lines = [f"{indent}{key}:", f"{indent}  ["]
    for value in values:
        item = f"'{value}'"
        if len(lines[-1]) + len(item) + 3 > _WIDTH:
            lines.append(f"{indent}   ")
        separator = "" if lines[-1].endswith("[") or not lines[-1].strip() else " "
        lines[-1] += f"{separator}{item},"
    return "\n".join(lines).rstrip(",") + "]"


if __name__ == "__main__":
    MANIFEST.write_text(updated(MANIFEST.read_text("utf-8")), encoding="utf-8", newline="\n")
